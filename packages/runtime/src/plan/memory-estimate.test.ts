import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import awq from '@lowbit/awq';
import { createRegistry, type LinearKernel } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { expect, it } from 'vitest';
import { openModel } from '../open-model.ts';
import { registry, shippedModel } from '../test-support/shipped-model.ts';
import { explainModel } from './explain-model.ts';

const device = 'cpu:reference';

/** Bytes in buffers, once what nobody holds is collected. Test files run in processes of their own. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

it('what explain says before loading is held after it, within 5 %', async () => {
  const kvCacheTokens = 4096;
  const { bytes } = await explainModel(shippedModel, { registry, device });
  const before = heldBytes();
  const model = await openModel(shippedModel, { registry, device, kvCacheTokens });
  try {
    const held = heldBytes() - before;
    const estimate = bytes.device + kvCacheTokens * bytes.kvCachePerToken;
    const { weights, kvCache } = model.info.memory;
    expect(weights).toBe(bytes.device);
    expect(kvCache).toBe(kvCacheTokens * bytes.kvCachePerToken);
    expect(Math.abs(held - estimate) / estimate, `${held} bytes held, ${estimate} estimated`).toBeLessThan(0.05);

    await model.complete({ prompt: 'The ship', sampling: { maxTokens: 4 } });
    const afterwards = heldBytes() - before;
    expect(Math.abs(afterwards - estimate) / estimate, 'nothing of a run stays').toBeLessThan(0.05);
  } finally {
    await model.close();
  }
});

it('what a batch takes is as explain says, within 5 %', async () => {
  const tokens = 300;
  let most = 0;
  // Looks at each linear of the run: the last one, the head, comes when all values are there.
  const [dequantize] = reference.kernels.linear;
  const watched: LinearKernel = {
    ...dequantize!,
    async prepare(description, context) {
      const linear = await dequantize!.prepare(description, context);
      return {
        ...linear,
        async forward(...run) {
          most = Math.max(most, heldBytes());
          return linear.forward(...run);
        },
      };
    },
  };
  const backends = [{ ...reference, kernels: { ...reference.kernels, linear: [watched] } }];
  const options = { registry: createRegistry({ methods: [awq], backends }), device };
  const { bytes } = await explainModel(shippedModel, options);
  const model = await openModel(shippedModel, { ...options, kvCacheTokens: 1024 });
  try {
    const before = heldBytes();
    await model.complete({ prompt: Array.from({ length: tokens }, (_, index) => index), sampling: { maxTokens: 1 } });
    const estimate = tokens * bytes.workspacePerToken;
    const held = most - before;
    expect(Math.abs(held - estimate) / estimate, `${held} bytes held, ${estimate} estimated`).toBeLessThan(0.05);
  } finally {
    await model.close();
  }
});

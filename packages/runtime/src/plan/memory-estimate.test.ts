import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

import { selectTopLogits, type TopRequest } from '@lowbit/core';
import { expect, it, type TestContext } from 'vitest';
import { encodeCommands } from '../gpu/commands.ts';
import { createPlan } from '../run/plan.ts';
import { createRowBuffers } from '../run/row-buffers.ts';
import { softwareDevice } from '../test-support/software-device.ts';
import { planSelect } from './plan-select.ts';
import { emptyChosen, readChosen } from './read-chosen.ts';

/** 75 chunks, the last one short. */
const vocabSize = 151_936;
const rows = 4;

/** The largest of those logits as the device finds them. */
async function select(context: TestContext, logits: Float32Array<ArrayBuffer>, request: TopRequest) {
  const device = await softwareDevice(context);
  const kvCache = { blockSize: 16, blocks: 1 };
  const plan = createPlan(device, createRowBuffers(device, { capacity: rows, logitCapacity: rows }, kvCache));
  try {
    const buffer = plan.buffer('logits', logits.byteLength);
    device.gpu.queue.writeBuffer(buffer, 0, logits);
    const { wanted, chosen } = planSelect(plan, buffer, vocabSize);
    const commandsFor = await plan.finish();
    const stride = Math.max(...request.counts);
    plan.upload(wanted, Uint32Array.of(stride, ...request.counts));
    const commands = commandsFor({ rows, logitRows: rows, top: true });
    const numbers = await plan.reader.read(chosen, rows * (2 + 2 * stride), (pass) => encodeCommands(pass, commands));
    const all = emptyChosen(request);
    readChosen(all, request, 0, numbers, stride);
    return all;
  } finally {
    plan.release();
  }
}

it('finds the largest of a large vocabulary, and the sum of flat and steep rows', async (context) => {
  const logits = new Float32Array(rows * vocabSize);
  for (let id = 0; id < vocabSize; id++) logits[id] = 20 * Math.sin(id * id);
  // All equal: the lowest ids, and a sum of as many terms as there can be.
  logits.subarray(vocabSize, 2 * vocabSize).fill(-3.25);
  // As many candidates of one byte as the last one asked for, and more.
  logits.subarray(2 * vocabSize, 3 * vocabSize).set(Array.from({ length: vocabSize }, (_, id) => id % 300));
  // The largest ones all in the last chunk.
  logits.subarray(3 * vocabSize).set(Array.from({ length: vocabSize }, (_, id) => id / 7000));
  const request = { counts: Int32Array.of(50, 256, 255, 200), logSumExp: true };
  const found = await select(context, logits, request);
  const { tokenIds, values, logSumExp } = selectTopLogits(logits, vocabSize, request);
  expect(found.tokenIds).toEqual(tokenIds);
  expect(found.values).toEqual(values);
  found.logSumExp.forEach((sum, row) => {
    expect(Math.abs(sum - logSumExp![row]!), `row ${row}`).toBeLessThan(1e-5);
  });
});

it('does nothing in runs that want all logits', async (context) => {
  const device = await softwareDevice(context);
  const plan = createPlan(
    device,
    createRowBuffers(device, { capacity: rows, logitCapacity: rows }, { blockSize: 16, blocks: 1 }),
  );
  planSelect(plan, plan.buffer('logits', 4 * rows * vocabSize), vocabSize);
  const commandsFor = await plan.finish();
  expect(commandsFor({ rows, logitRows: rows })).toEqual([]);
  expect(commandsFor({ rows, logitRows: rows, top: true })).toHaveLength(2);
  plan.release();
});

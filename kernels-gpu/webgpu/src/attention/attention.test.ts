import { expect, it } from 'vitest';
import { smallBatch, smallDecoder, vocabSize } from '../test-support/small-decoder.ts';
import { softwareDevice } from '../test-support/software-device.ts';
import { software } from '../webgpu-backend.ts';

/** Every way to attend adds up in f32, in an order of its own; logits are of the size of 1 to 10. */
const tolerance = 1e-4;

function expectClose(actual: Float32Array, expected: Float32Array, what: string): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, number] of actual.entries()) {
    expect(Math.abs(number - expected[index]!), `${what}, logit ${index}`).toBeLessThan(tolerance);
  }
}

const long = [0, 530];
const short = [1, 70];

it.for([
  { what: 'plain heads', positions: long },
  { what: 'normalized heads', headNorms: true, positions: short },
  { what: 'a window', slidingWindow: 300, positions: long },
  { what: 'a narrow window', slidingWindow: 3, positions: short },
  { what: 'a cache of f16', cache: 'f16' as const, positions: short },
  { what: 'wide heads', headSize: 80, positions: short },
])('attends in tiles as row by row: $what', async ({ what: _, positions, ...options }, context) => {
  const device = await softwareDevice(context);
  const executable = await software.compile(smallDecoder(device, { layers: 1, ...options }));
  const odd = true;
  for (const position of positions) {
    // A prompt in tiles of 32 rows, the last of them not full.
    const whole = await executable.run(smallBatch([{ start: 0, count: position + 1 }]));

    // The row alone: one dispatch for short contexts, stretches for long ones.
    if (position > 0) await executable.run(smallBatch([{ start: 0, count: position, odd }]));
    const alone = await executable.run(smallBatch([{ start: position, count: 1, odd }]));
    expectClose(alone, whole, `row ${position} alone`);

    // Beside a prompt, and as one of a few rows: heads are placed first.
    if (position === 0) continue;
    const both = await executable.run(
      smallBatch([
        { start: 0, count: position + 1 },
        { start: position - 1, count: 2, odd },
      ]),
    );
    expectClose(both.subarray(vocabSize), whole, `rows ${position - 1} and ${position} beside a prompt`);
    expectClose(both.subarray(0, vocabSize), whole, `a prompt beside rows`);
  }
  await executable.close();
});

import { createHash } from 'node:crypto';
import type { RecordedWeight } from './method-fixture.ts';

/** How dequantized weights differ from the recorded ones, bit for bit; undefined where they do not. */
export function weightProblem(values: Float32Array, recorded: RecordedWeight): string | undefined {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (recorded.bytes) {
    const expected = new Float32Array(recorded.bytes.slice().buffer);
    if (expected.length !== values.length) return `${values.length} numbers, recorded are ${expected.length}`;
    const index = values.findIndex((value, at) => !Object.is(value, expected[at]));
    if (index >= 0) return `element ${index} is ${show(values[index])}, recorded is ${show(expected[index])}`;
  }
  if (recorded.sha256 !== undefined) {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== recorded.sha256) return `SHA-256 ${sha256}, recorded is ${recorded.sha256}`;
  }
  return undefined;
}

function show(value: number | undefined): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

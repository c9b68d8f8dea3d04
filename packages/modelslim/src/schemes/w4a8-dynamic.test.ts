import { describe, expect, it } from 'vitest';
import { dequantize, describeLinear, linearSpec, type TestTensors, tensor } from '../test-support/checkpoint.ts';

const type = 'W4A8_DYNAMIC';
const zeros = (size: number) => new Float32Array(size);
/** `[[1, -8], [-1, 7], [3, 0], [-2, -5]]`, rows in pairs. */
const packed = tensor('I8', [2, 2], type, Int8Array.of(-15, 120, -29, -80));
const rowScale = tensor('F32', [4, 1], type, Float32Array.of(1, 2, 4, 8));
const rowOffset = tensor('F32', [4, 1], type, zeros(4));
const spec = linearSpec('a', 4, 2);

describe('one level', () => {
  const tensors: TestTensors = { 'a.weight': packed, 'a.weight_scale': rowScale, 'a.weight_offset': rowOffset };

  it('unpacks rows in pairs', () => {
    expect(dequantize(describeLinear(spec, tensors).weight, tensors)).toEqual([1, -8, -2, 14, 12, 0, -16, -40]);
    expect(describeLinear(spec, tensors).activations).toMatchObject({ type: 'i8', scale: { divisor: 127 } });
  });

  it.each([1, 16])('scale_bias [out, %i] is taken and has no part in the weight', (columns) => {
    const more = { ...tensors, 'a.scale_bias': tensor('F32', [4, columns], type) };
    expect(describeLinear(spec, more).weight).toEqual(describeLinear(spec, tensors).weight);
  });

  it('a scale_bias of another width is an error', () => {
    const more = { ...tensors, 'a.scale_bias': tensor('F32', [4, 2], type) };
    expect(() => describeLinear(spec, more)).toThrow('tensor a.scale_bias: expected [4, 1], found [4, 2]');
  });
});

describe('two levels', () => {
  const [group, row] = [Math.fround(0.1), Math.fround(1 / 3)];
  const codes = Int8Array.of(7, -5, 3, -8);
  const tensors: TestTensors = {
    'a.weight': tensor('I8', [1, 4], type, codes),
    'a.weight_scale': tensor('F32', [1, 1], type, Float32Array.of(row)),
    'a.weight_offset': tensor('F32', [1, 1], type, zeros(1)),
    'a.weight_scale_second': tensor('F32', [1, 2], type, Float32Array.of(group, 2)),
    'a.weight_offset_second': tensor('I64', [1, 2], type, BigInt64Array.of(0n, -1n)),
  };
  const one = linearSpec('a', 1, 4);

  it('multiplies by the scale of the group, then by that of the row', () => {
    const expected = [7 * group, -5 * group, 8, -14].map((first) => Math.fround(Math.fround(first) * row));
    expect(dequantize(describeLinear(one, tensors).weight, tensors)).toEqual(expected);
  });

  it('leaves the offset of the first level aside, if it is zero', () => {
    // describeLinear closes the books with the rules of the config: the rule must list it, on condition.
    expect(describeLinear(one, tensors).weight.zero?.ref.name).toBe('a.weight_offset_second');
    const wrong = { ...tensors, 'a.weight_offset': tensor('F32', [1, 2], type) };
    expect(() => describeLinear(one, wrong)).toThrow('tensor a.weight_offset: expected [1, 1], found [1, 2]');
  });

  it('needs its offsets', () => {
    const { 'a.weight_offset_second': _, ...rest } = tensors;
    expect(() => describeLinear(one, rest)).toThrow('tensor a.weight_offset_second: expected I64 or I32');
  });
});

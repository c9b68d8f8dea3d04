import {
  ConfigError,
  createTensorLedger,
  type DType,
  type JsonObject,
  type LinearSpec,
  type TensorRef,
} from '@lowbit/core';
import { dequantizeWeight } from '@lowbit/numerics';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../awq-settings.ts';
import { awqLinear } from './awq-linear.ts';

type Tensors = Readonly<Record<string, readonly [dtype: DType, shape: readonly number[]]>>;

const base = { bits: 4, group_size: 2, zero_point: true, version: 'gemm' };
const spec = { kind: 'linear', name: 'a', outFeatures: 8, inFeatures: 2, hasBias: false, role: 'projection' } as const;
const gemm: Tensors = { 'a.qweight': ['I32', [2, 1]], 'a.qzeros': ['I32', [1, 1]], 'a.scales': ['F16', [1, 8]] };

function describeWith(stored: Tensors, more: JsonObject = {}, module: LinearSpec = spec) {
  const config = { quantization_config: { ...base, ...more } };
  const refs = Object.entries(stored).map(([name, [dtype, shape]]): [string, TensorRef] => [
    name,
    { name, dtype, shape, file: 'model.safetensors', start: 0, end: 0 },
  ]);
  const tensors = new Map(refs);
  const settings = readSettings({ config, sideFiles: new Map(), tensors });
  return awqLinear(settings).describe(module, createTensorLedger(tensors));
}

const zeroWord = Int32Array.of(0x1f978088);
const codeWords = Int32Array.of(0x609ef813, 0xf9880788);

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

describe('gemm', () => {
  it('means what its library computes', () => {
    const scales = Uint16Array.of(0x224c, 0x2a66, 0x1419, 0x3e00, 0x3554, 0x2000, 0x4000, 0x2e66);
    const { weight } = describeWith(gemm);
    const data: Record<string, ArrayBufferView> = { 'a.qweight': codeWords, 'a.qzeros': zeroWord, 'a.scales': scales };
    const values = dequantizeWeight(weight, ({ name }) => bytesOf(data[name]!));
    // (q - z) * s of the first input, in f32; s is the f16 number that was stored.
    const exact = [-5, 7, -7, 0, 8, -15, 7, 5].map((difference, n) => {
      const scale = [0.012298583984375, 0.04998779296875, 0.0010004043579101562, 1.5, 0.3330078125, 0.0078125, 2];
      return Math.fround(difference * (scale[n] ?? 0.0999755859375));
    });
    expect(Array.from({ length: 8 }, (_, n) => values[n * 2])).toEqual(exact);
  });

  it('computes a layer exactly', () => {
    const scales = Float32Array.of(0.5, 0.25, 1, 2, 0.125, 0.0625, 0.5, 1);
    const { weight } = describeWith({ ...gemm, 'a.scales': ['F32', [1, 8]] });
    const data: Record<string, ArrayBufferView> = { 'a.qweight': codeWords, 'a.qzeros': zeroWord, 'a.scales': scales };
    const w = dequantizeWeight(weight, ({ name }) => bytesOf(data[name]!));
    const y = Array.from({ length: 8 }, (_, n) => 2 * w[2 * n]! - w[2 * n + 1]!);
    expect(y).toEqual([-5, 3.25, -14, 2, 1.125, -1.5, 11, -4]);
  });

  it('gives each group its own scale', () => {
    const module = { ...spec, inFeatures: 8 };
    const { weight } = describeWith(
      { 'a.qweight': ['I32', [8, 1]], 'a.qzeros': ['I32', [2, 1]], 'a.scales': ['F32', [2, 8]] },
      { group_size: 4 },
      module,
    );
    const data: Record<string, ArrayBufferView> = {
      'a.qweight': new Int32Array(8).fill(0x99999999),
      'a.qzeros': new Int32Array(2).fill(0x88888888),
      'a.scales': Float32Array.from({ length: 16 }, (_, index) => (index < 8 ? 1 : 2)),
    };
    const values = dequantizeWeight(weight, ({ name }) => bytesOf(data[name]!));
    expect([...values.subarray(0, 8)]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  });

  it('symmetric without qzeros: 8 is the middle', () => {
    const { 'a.qzeros': qzeros, ...symmetric } = gemm;
    const scales = new Uint16Array(8).fill(0x3c00);
    const data = (zeros: number): Record<string, ArrayBufferView> => ({
      'a.qweight': codeWords,
      'a.qzeros': Int32Array.of(zeros),
      'a.scales': scales,
    });
    const { weight } = describeWith(symmetric, { zero_point: false });
    const { weight: withZeros } = describeWith(gemm, { zero_point: false });
    expect(qzeros).toBeDefined();
    expect(weight).toMatchObject({ codes: { type: 'i4', layout: { add: { value: -8, carry: 'field' } } } });
    expect(weight.zero).toBeUndefined();
    const read = (values: Record<string, ArrayBufferView>) => (ref: TensorRef) => bytesOf(values[ref.name]!);
    expect(dequantizeWeight(weight, read(data(0)))).toEqual(dequantizeWeight(withZeros, read(data(0x88888888))));
  });

  it.each<[string, JsonObject, LinearSpec, Tensors]>([
    ['group size -1 covers the input', { group_size: -1 }, spec, gemm],
    [
      '3-bit rows end in a partial word',
      { bits: 3 },
      { ...spec, outFeatures: 12 },
      { 'a.qweight': ['I32', [2, 2]], 'a.qzeros': ['I32', [1, 2]], 'a.scales': ['F16', [1, 12]] },
    ],
  ])('%s', (_, more, module, tensors) => {
    expect(describeWith(tensors, more, module).weight.scales[0]?.block).toEqual([1, 2]);
  });
});

describe('gemv and gemv_fast', () => {
  const module = { ...spec, inFeatures: 64 };
  const fast: Tensors = { 'a.qweight': ['I16', [2, 64]], 'a.scales': ['F16', [8, 8]] };

  it('gemv has zero points', () => {
    const { weight } = describeWith(
      { 'a.qweight': ['I32', [8, 8]], 'a.qzeros': ['I32', [8, 2]], 'a.scales': ['F16', [8, 16]] },
      { version: 'gemv', group_size: 64 },
      module,
    );
    expect(weight.zero).toMatchObject({ type: 'u4', block: [1, 64] });
  });

  it.each(['qzeros', 'scaled_zeros'])('gemv_fast has a shift: %s', (name) => {
    const more = { version: 'gemv_fast', group_size: 128 };
    const { weight } = describeWith({ ...fast, 'a.qweight': ['I16', [2, 128]], [`a.${name}`]: ['F16', [8, 8]] }, more, {
      ...module,
      inFeatures: 128,
    });
    expect(weight.zero).toBeUndefined();
    expect(weight.shift).toMatchObject({ type: 'f16', block: [1, 128], ref: { name: `a.${name}` } });
  });
});

describe('bias', () => {
  it('is taken where the architecture has one, of any float', () => {
    const tensors: Tensors = { ...gemm, 'a.bias': ['BF16', [8]] };
    expect(describeWith(tensors, {}, { ...spec, hasBias: true }).bias).toMatchObject({ type: 'bf16' });
    expect(describeWith(tensors).bias).toBeUndefined();
    expect(() => describeWith(gemm, {}, { ...spec, hasBias: true })).toThrow(
      'tensor a.bias: expected F16 or BF16 or F32 [8], found no such tensor',
    );
  });
});

describe('refuses', () => {
  it.each<[string, JsonObject, LinearSpec, string]>([
    [
      'partial groups',
      { group_size: 64 },
      { ...spec, name: 'model.q_proj', inFeatures: 100 },
      'config.json: quantization_config.group_size: expected a divisor of 100, the in features of model.q_proj, found 64\nAWQ has no partial groups: the settings and the model do not belong together.',
    ],
    [
      'partial words of gemm',
      {},
      { ...spec, outFeatures: 12 },
      'tensor a.qweight: expected a multiple of 8 out features, as 4-bit gemm packs them into I32 words, found 12 out features\nSuch a module must be left unquantized.',
    ],
    [
      'partial words of gemv',
      { version: 'gemv', group_size: 132 },
      { ...spec, inFeatures: 132 },
      'tensor a.qweight: expected a multiple of 8 in features, as 4-bit gemv packs them into I32 words, found 132 in features',
    ],
    [
      'partial stretches of gemv_fast',
      { version: 'gemv_fast', group_size: 32 },
      { ...spec, inFeatures: 96 },
      'expected a multiple of 64 in features, as 4-bit gemv_fast packs them into I16 words, found 96 in features',
    ],
  ])('%s', (_, more, module, message) => {
    expect(() => describeWith({}, more, module)).toThrow(message);
  });

  it('names file and field of a group size that does not fit', () => {
    expect(() => describeWith({}, {}, { ...spec, inFeatures: 3 })).toThrow(ConfigError);
  });

  it.each<[string, Tensors, string]>([
    ['absent qzeros', { ...gemm, 'a.qzeros': undefined as never }, 'tensor a.qzeros: expected I32 [1, 1]'],
    [
      'scales of another group size',
      { ...gemm, 'a.scales': ['F16', [2, 8]] },
      'tensor a.scales: expected [1, 8], found [2, 8]',
    ],
    [
      'absent qzeros where other modules have theirs, also when symmetric',
      { 'a.qweight': ['I32', [2, 1]], 'a.scales': ['F16', [1, 8]], 'b.qzeros': ['I32', [1, 1]] },
      'tensor a.qzeros: expected I32 [1, 1]',
    ],
    ['float codes', { ...gemm, 'a.qweight': ['F16', [2, 1]] }, 'tensor a.qweight: expected I32, found F16'],
    ['transposed codes', { ...gemm, 'a.qweight': ['I32', [1, 2]] }, 'tensor a.qweight: expected [2, 1], found [1, 2]'],
  ])('%s', (_, tensors, message) => {
    const present = Object.fromEntries(Object.entries(tensors).filter(([, tensor]) => tensor));
    expect(() => describeWith(present)).toThrow(message);
    expect(() => describeWith({ ...present, 'b.qzeros': ['I32', [1, 1]] }, { zero_point: false })).toThrow(message);
  });
});

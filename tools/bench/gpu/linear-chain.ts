import { randomFillSync } from 'node:crypto';
import {
  type CompileRequest,
  type LinearDescription,
  type ModelProgram,
  type ModuleDescription,
  plain,
  quotient,
  remainder,
  type Stored,
  type TensorRef,
  whole,
} from '@lowbit/core';
import { halves } from '../make-checkpoint.mjs';

/** Rows of the table that the first input comes from, and columns of the last product, which is read back. */
export const vocabSize = 64;
export const groupSize = 128;

/** 4-bit codes and an f16 scale for each group. @returns bytes of one matrix, `[size, size]` */
export function matrixBytes(size: number): number {
  return (size * size * (4 + 16 / groupSize)) / 8;
}

/**
 * A program of `count` different square matrices, each multiplied with the result of the one before: 4-bit codes in groups
 * of 128, f16 scales. Codes are random, scales keep the numbers about as large as they were.
 */
export function linearChain(size: number, count: number): Pick<CompileRequest, 'program' | 'descriptions' | 'bytes'> {
  const names = Array.from({ length: count }, (_, index) => `linear${index}`);
  const table = matrix('table', vocabSize, size).weight.codes;
  const descriptions = new Map<string, ModuleDescription>([
    [
      'table',
      {
        kind: 'embedding',
        module: 'table',
        scheme: '',
        weight: { outFeatures: vocabSize, inFeatures: size, codes: table, scales: [] },
      },
    ],
    ...names.map((name) => [name, matrix(name, size, size)] as const),
    ['head', matrix('head', vocabSize, size)],
  ]);
  const linear = { kind: 'linear', inFeatures: size, hasBias: false } as const;
  const value = (index: number) => (index % 2 === 0 ? 'even' : 'odd');
  const program: ModelProgram = {
    modelType: 'chain',
    vocabSize,
    contextLength: 1024,
    values: { even: size, odd: size },
    modules: [
      { kind: 'embedding', name: 'table', vocabSize, hiddenSize: size },
      ...names.map((name) => ({ ...linear, name, outFeatures: size, role: 'projection' }) as const),
      { ...linear, name: 'head', outFeatures: vocabSize, role: 'head' },
    ],
    operations: [
      { kind: 'embedding', module: 'table', output: value(0) },
      ...names.map(
        (module, index) =>
          ({ kind: 'linear', input: value(index), parts: [{ module, output: value(index + 1) }] }) as const,
      ),
      { kind: 'logits', module: 'head', input: value(count) },
    ],
  };
  // One set of random codes serves all: they lie in memory of their own on the device.
  const codes = randomCodes(size);
  const scales = new Uint8Array((2 * size * size) / groupSize);
  halves(scaleOf(size))(scales);
  const read = async ({ dtype, end }: TensorRef) => (dtype === 'I32' ? codes : scales).subarray(0, end);
  return { program, descriptions, bytes: { read } };
}

function matrix(module: string, outFeatures: number, inFeatures: number): LinearDescription {
  const ref = (name: string, dtype: TensorRef['dtype'], shape: readonly number[], end: number): TensorRef => ({
    name: `${module}.${name}`,
    dtype,
    shape,
    file: '',
    start: 0,
    end,
  });
  const codes: Stored = {
    ref: ref('codes', 'I32', [outFeatures, inFeatures / 8], (outFeatures * inFeatures) / 2),
    type: 'i4',
    layout: {
      axes: [[whole('out')], [quotient('in', 8)]],
      packed: { bits: 4, word: 32, fields: [remainder('in', 8)] },
      add: { value: -8, carry: 'field' },
    },
  };
  const groups = inFeatures / groupSize;
  const scale = {
    ref: ref('scales', 'F16', [outFeatures, groups], 2 * outFeatures * groups),
    type: 'f16',
    layout: plain('out', 'in'),
    block: [1, groupSize],
  } as const;
  return { kind: 'linear', module, scheme: 'w4a16', weight: { outFeatures, inFeatures, codes, scales: [scale] } };
}

/** Of a square matrix, two in a byte. None stands for -8, so that a row adds up to about nothing. */
export function randomCodes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = randomFillSync(new Uint8Array((size * size) / 2));
  for (let index = 0; index < bytes.length; index++) {
    let byte = bytes[index]!;
    if ((byte & 0x0f) === 0) byte |= 0x08;
    if ((byte & 0xf0) === 0) byte |= 0x80;
    bytes[index] = byte;
  }
  return bytes;
}

/** Keeps products of those codes about as large as the input. */
export function scaleOf(size: number): number {
  return 1 / (Math.sqrt(17.5) * Math.sqrt(size));
}

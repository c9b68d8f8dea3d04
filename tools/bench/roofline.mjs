// @ts-check
import { layerLinears } from './shapes.mjs';
import { significant, tableHead, tableRow } from './statistics.mjs';

/**
 * What a kernel reads in one step, however many tokens it has, and computes for each of them (a product and its addition are two).
 * @typedef {{ readonly name: string, readonly bytes: number, readonly operations: number }} Kernel
 */

/**
 * What every kernel of a shape reads and computes, in all layers, with `cached` f16 keys and values before the token.
 * @param {import('./shapes.mjs').Shape} shape
 * @param {number} bitsPerWeight
 * @param {number} cached
 * @returns {readonly Kernel[]}
 */
export function kernelsOf(shape, bitsPerWeight, cached) {
  const { hidden, layers, heads, kvHeads, vocabulary } = shape;
  /** @param {string} name @param {number} weights */
  const linear = (name, weights) => ({
    name,
    bytes: (weights * bitsPerWeight) / 8,
    operations: 2 * weights,
  });
  return [
    ...layerLinears(shape).map(([name, , out, into]) => linear(name, layers * out * into)),
    linear('lm_head', vocabulary * hidden),
    {
      name: `attention after ${cached}`,
      bytes: layers * cached * 2 * (hidden / heads) * kvHeads * 2,
      operations: layers * cached * 4 * hidden,
    },
  ];
}

/**
 * The least time that each kernel can take on a machine: reading at the speed of memory, computing at the peak of VNNI (which
 * attention, in floats, does not reach). A prompt wants the head for its last token alone and sees half of itself on average.
 * @param {object} machine
 * @param {number} machine.readBytesPerSecond
 * @param {number} machine.operationsPerSecond
 * @param {{ readonly shape: import('./shapes.mjs').Shape, readonly bitsPerWeight: number, readonly context: number, readonly promptTokens: number }} model
 * @param {{ readonly decode?: number | undefined, readonly prefill?: number | undefined }} measured tokens per second
 */
export function rooflineTable(machine, { shape, bitsPerWeight, context, promptTokens }, measured) {
  /** Milliseconds. @param {Kernel} kernel @param {number} rows */
  const bounds = ({ name, bytes, operations }, rows) => {
    const computed = name === 'lm_head' ? 1 : rows;
    const reading = (bytes * 1e3) / machine.readBytesPerSecond;
    const computing = (computed * operations * 1e3) / machine.operationsPerSecond;
    return { least: Math.max(reading, computing), by: reading > computing ? 'memory' : 'VNNI' };
  };
  const decoding = kernelsOf(shape, bitsPerWeight, context);
  const reading = kernelsOf(shape, bitsPerWeight, promptTokens / 2);
  const rows = decoding.map((kernel, index) => {
    const step = bounds(kernel, 1);
    const prompt = bounds(reading[index] ?? kernel, promptTokens);
    return { kernel, step, prompt };
  });
  /** @param {(row: typeof rows[number]) => number} of */
  const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
  const stepLeast = sum(({ step }) => step.least);
  const promptLeast = sum(({ prompt }) => prompt.least);
  const lines = rows.map(({ kernel, step, prompt }) =>
    tableRow([
      kernel.name,
      significant(kernel.bytes / 1e6),
      significant(kernel.operations / 1e6),
      `${significant(step.least)} (${step.by})`,
      `${significant(prompt.least)} (${prompt.by})`,
    ]),
  );
  const all = tableRow([
    'all',
    significant(sum(({ kernel }) => kernel.bytes) / 1e6),
    significant(sum(({ kernel }) => kernel.operations) / 1e6),
    significant(stepLeast),
    significant(promptLeast),
  ]);
  const decodeMilliseconds = measured.decode && 1000 / measured.decode;
  const prefillMilliseconds = measured.prefill && (promptTokens * 1000) / measured.prefill;
  /** @param {number | undefined} time @param {number} least */
  const show = (time, least) =>
    time ? `${significant(time)}, least is ${Math.round((100 * least) / time)} % of it` : '';
  const found = tableRow([
    'measured',
    '',
    '',
    show(decodeMilliseconds, stepLeast),
    show(prefillMilliseconds, promptLeast),
  ]);
  const head = tableHead([
    'kernel, all layers',
    'MB per step',
    'million operations per token',
    'decode: ms at least',
    `prefill ${promptTokens}: ms at least`,
  ]);
  return [head, ...lines, all, found].join('\n');
}

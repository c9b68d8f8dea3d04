import { fileURLToPath } from 'node:url';
import { createRegistry, type Executable, type Phase } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KvCacheType } from '../open-options.ts';
import { planModel } from '../plan/plan-model.ts';
import { memoryFolder, tinyConfig } from '../test-support/tiny-checkpoint.ts';
import { type BatchPart, joinBatch } from './batch.ts';

const blockSize = 4;
const maxSequences = 4;
const maxTokens = 14;
const blocksEach = Math.ceil(maxTokens / blockSize);
const blocks = maxSequences * blocksEach;

const models = {
  Llama: memoryFolder(),
  'DeepSeek-V3': fileURLToPath(new URL('../__fixtures__/deepseek/v3', import.meta.url)),
};
type ModelName = keyof typeof models;

/** Token ids that every one of the models has. */
const { vocab_size: commonTokens } = tinyConfig;

async function openExecutable(model: ModelName, kvCacheType: KvCacheType): Promise<Executable> {
  const registry = createRegistry({ backends: [reference] });
  const { checkpoint, backend, modules, ...plan } = await planModel(models[model], { registry, kvCacheType });
  const descriptions = new Map([...modules].map(([name, { description }]) => [name, description]));
  const kvCache = { blockSize, blocks };
  const executable = await backend.compile({ ...plan, descriptions, bytes: checkpoint.bytes, kvCache });
  await checkpoint.close();
  return executable;
}

/** Tokens that are known beforehand: what follows the prompt counts as generated. */
interface Sequence {
  readonly tokenIds: readonly number[];
  readonly promptLength: number;
}

const sequence: fc.Arbitrary<Sequence> = fc
  .array(fc.nat(commonTokens - 1), { minLength: 1, maxLength: maxTokens })
  .chain((tokenIds) =>
    fc.record({ tokenIds: fc.constant(tokenIds), promptLength: fc.integer({ min: 1, max: tokenIds.length }) }),
  );

/** How many rows of which sequence come next; each list is one batch, in its order. Used over and over until all is done. */
const schedule = fc.array(
  fc.array(fc.record({ sequence: fc.nat(maxSequences - 1), rows: fc.integer({ min: 1, max: 6 }) }), { maxLength: 6 }),
  { minLength: 1, maxLength: 8 },
);

/** The next rows of a sequence: at most `rows`, all of one phase. */
function nextPart(
  { tokenIds, promptLength }: Sequence,
  computed: number,
  rows: number,
  table: readonly number[],
): BatchPart {
  const phase: Phase = computed < promptLength ? 'prefill' : 'decode';
  const end = Math.min(computed + rows, phase === 'prefill' ? promptLength : tokenIds.length);
  const part = tokenIds.slice(computed, end);
  return { tokenIds: part, position: computed, phase, blocks: table, logitRows: part.map((_, row) => row) };
}

/** Logits of every token of one sequence: the prompt at once, then token by token. */
async function runAlone(executable: Executable, sequence: Sequence): Promise<readonly Float32Array[]> {
  const table = Array.from({ length: blocksEach }, (_, index) => index);
  const logits: Float32Array[] = [];
  while (logits.length < sequence.tokenIds.length) {
    const rows = logits.length === 0 ? sequence.promptLength : 1;
    const part = nextPart(sequence, logits.length, rows, table);
    logits.push(...splitRows(await executable.run(joinBatch([part])), part.tokenIds.length));
  }
  return logits;
}

async function runTogether(
  executable: Executable,
  sequences: readonly Sequence[],
  batches: readonly (readonly { readonly sequence: number; readonly rows: number }[])[],
  order: readonly number[],
): Promise<readonly (readonly Float32Array[])[]> {
  const logits: Float32Array[][] = sequences.map(() => []);
  const isDone = (index: number) => logits[index]!.length === sequences[index]!.tokenIds.length;
  const tableOf = (index: number) => order.slice(index * blocksEach, (index + 1) * blocksEach);
  // The last one reaches every sequence, so that each round gets further.
  const rounds = [...batches, sequences.map((_, index) => ({ sequence: index, rows: 1 }))];
  for (let step = 0; !sequences.every((_, index) => isDone(index)); step++) {
    const rowsOf = new Map(
      rounds[step % rounds.length]!.map(({ sequence, rows }) => [sequence % sequences.length, rows]),
    );
    const active = [...rowsOf].filter(([index]) => !isDone(index));
    if (active.length === 0) continue;
    const parts = active.map(([index, rows]) =>
      nextPart(sequences[index]!, logits[index]!.length, rows, tableOf(index)),
    );
    const numRows = parts.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
    const rows = splitRows(await executable.run(joinBatch(parts)), numRows);
    for (const [at, [index]] of active.entries()) logits[index]!.push(...rows.splice(0, parts[at]!.tokenIds.length));
  }
  return logits;
}

function splitRows(logits: Float32Array, numRows: number): Float32Array[] {
  const width = logits.length / numRows;
  return Array.from({ length: numRows }, (_, row) => logits.slice(row * width, (row + 1) * width));
}

const bitsOf = (logits: readonly (readonly Float32Array[])[]) =>
  logits.map((rows) => rows.map((row) => [...new Uint32Array(row.buffer, row.byteOffset, row.length)]));

describe.each<[ModelName, KvCacheType]>([
  ['Llama', 'f32'],
  ['Llama', 'fp8_e4m3'],
  ['DeepSeek-V3', 'f32'],
  ['DeepSeek-V3', 'fp8_e4m3'],
])('%s with a KV cache of %s', (model, kvCacheType) => {
  it('any interleaving of chunks and generated tokens gives each sequence the very logits that it gets alone', async () => {
    const executable = await openExecutable(model, kvCacheType);
    await fc.assert(
      fc.asyncProperty(
        fc.array(sequence, { minLength: 1, maxLength: maxSequences }),
        schedule,
        fc.shuffledSubarray([...Array(blocks).keys()], { minLength: blocks }),
        async (sequences, batches, order) => {
          const together = await runTogether(executable, sequences, batches, order);
          const alone: (readonly Float32Array[])[] = [];
          for (const each of sequences) alone.push(await runAlone(executable, each));
          expect(bitsOf(together)).toEqual(bitsOf(alone));
        },
      ),
      { numRuns: 60 },
    );
    await executable.close();
  });
});

it.each(['Llama', 'DeepSeek-V3'] as const)('%s gives a token generated the very logits of one read', async (model) => {
  const executable = await openExecutable(model, 'f32');
  const tokenIds = [1, 4, 7, 2, 9, 0, 3];
  const read = await runAlone(executable, { tokenIds, promptLength: tokenIds.length });
  const generated = await runAlone(executable, { tokenIds, promptLength: 2 });
  await executable.close();
  expect(bitsOf([generated])).toEqual(bitsOf([read]));
});

it('the two caches do not give the same logits', async () => {
  const run = async (kvCacheType: KvCacheType) => {
    const executable = await openExecutable('Llama', kvCacheType);
    const logits = await runAlone(executable, { tokenIds: [1, 4, 7, 2, 9], promptLength: 4 });
    await executable.close();
    return bitsOf([logits]);
  };
  expect(await run('fp8_e4m3')).not.toEqual(await run('f32'));
});

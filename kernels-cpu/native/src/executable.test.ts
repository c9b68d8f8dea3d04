import {
  type CompileRequest,
  type ModuleDescription,
  type ModuleSpec,
  type Operation,
  plain,
  type TensorRef,
} from '@lowbit/core';
import { describe, expect, it, type TestContext } from 'vitest';
import { native } from './native-backend.ts';

const vocabSize = 8;
const width = 512;
/** Of these each takes longer than a millisecond, so that all of them would take many seconds. */
const layers = 4000;
const rows = 512;

const tensor = (name: string, shape: readonly number[]) => {
  const end = shape.reduce((product, size) => product * size, 4);
  const ref: TensorRef = { name, dtype: 'F32', shape, file: 'model.safetensors', start: 0, end };
  return { ref, type: 'f32', layout: plain('out', 'in') } as const;
};
const matrix = (name: string, outFeatures: number, inFeatures: number) => ({
  outFeatures,
  inFeatures,
  codes: tensor(name, [outFeatures, inFeatures]),
  scales: [],
});
const described = (module: string) => ({ module, scheme: 'unquantized' });
const modules: readonly (readonly [ModuleSpec, ModuleDescription])[] = [
  [
    { kind: 'embedding', name: 'embed', vocabSize, hiddenSize: width },
    { kind: 'embedding', ...described('embed'), weight: matrix('embed', vocabSize, width) },
  ],
  [
    { kind: 'linear', name: 'layer', outFeatures: width, inFeatures: width, hasBias: false, role: 'projection' },
    { kind: 'linear', ...described('layer'), weight: matrix('layer', width, width) },
  ],
  [
    { kind: 'linear', name: 'head', outFeatures: vocabSize, inFeatures: width, hasBias: false, role: 'head' },
    { kind: 'linear', ...described('head'), weight: matrix('head', vocabSize, width) },
  ],
];
const linears = Array.from(
  { length: layers },
  (_, layer): Operation => ({
    kind: 'linear',
    input: layer % 2 === 0 ? 'hidden' : 'next',
    parts: [{ module: 'layer', output: layer % 2 === 0 ? 'next' : 'hidden' }],
  }),
);

/** A decoder without attention, deep enough that nobody waits for its end. */
async function compileDeep(context: TestContext) {
  const probe = await native.probe();
  if (probe.kind === 'unavailable') return context.skip(probe.refusal.message);
  const request: CompileRequest<typeof probe.device> = {
    program: {
      modelType: 'test',
      vocabSize,
      contextLength: rows,
      values: { hidden: width, next: width },
      modules: modules.map(([spec]) => spec),
      operations: [
        { kind: 'embedding', module: 'embed', output: 'hidden' },
        ...linears,
        { kind: 'logits', module: 'head', input: 'hidden' },
      ],
    },
    descriptions: new Map(modules.map(([spec, description]) => [spec.name, description])),
    selections: new Map(
      modules.map(([{ name, kind }]) => {
        const [kernel] = kind === 'embedding' ? native.kernels.embedding : native.kernels.linear;
        return [name, { kernel: kernel!, refusals: [] }];
      }),
    ),
    device: probe.device,
    numerics: 'exact',
    bytes: { read: async ({ end }) => new Uint8Array(Float32Array.from({ length: end / 4 }, () => 1 / width).buffer) },
    kvCache: { blockSize: rows, blocks: 1 },
    threads: 1,
  };
  return native.compile(request);
}

const batchOf = (count: number) => ({
  tokenIds: new Int32Array(count).fill(1),
  positions: Int32Array.from({ length: count }, (_, row) => row),
  sequences: [{ firstRow: 0, rows: count, blocks: Int32Array.of(0) }],
  logitRows: Int32Array.of(count - 1),
});

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a long prefill', () => {
  it('ends before its next operation once aborted, timers firing meanwhile; then others run', async (context) => {
    const executable = await compileDeep(context);
    const controller = new AbortController();
    const reason = new Error('nobody waits any more');
    const running = expect(executable.run(batchOf(rows), controller.signal)).rejects.toBe(reason);
    let fired = 0;
    for (; fired < 20; fired += 1) await wait(1);
    controller.abort(reason);
    await running;
    expect(fired).toBe(20);
    // Each layer keeps a number that all features share.
    const logits = await executable.run(batchOf(1));
    expect(logits[0]).toBeCloseTo(1 / width, 6);
    await executable.close();
  });

  it('ends before its next operation once the executable is closed', async (context) => {
    const executable = await compileDeep(context);
    const running = expect(executable.run(batchOf(rows))).rejects.toThrow('batch: the executable is closed');
    await wait(20);
    await executable.close();
    await running;
  });

  it('does not begin with an aborted signal', async (context) => {
    const executable = await compileDeep(context);
    const reason = new Error('too late');
    await expect(executable.run(batchOf(1), AbortSignal.abort(reason))).rejects.toBe(reason);
    await executable.close();
  });
});

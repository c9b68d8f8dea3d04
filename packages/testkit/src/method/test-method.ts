import {
  createRegistry,
  findMethod,
  type JsonObject,
  type LinearDescription,
  LowbitError,
  type QuantizationMethod,
  type TensorRef,
} from '@lowbit/core';
import { dequantizeWeight, type ReadTensor } from '@lowbit/numerics';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractProblems } from './contract-problems.ts';
import { damageProblems, damages } from './damage.ts';
import { type DescribedCheckpoint, describeCheckpoint } from './describe-checkpoint.ts';
import { fixtureName, type LoadedFixture, loadFixture, type MethodFixture } from './method-fixture.ts';
import { recordProblems } from './record-problems.ts';
import { checkSlices } from './slice-problems.ts';
import { weightProblem } from './weight-problem.ts';

/** What the suite needs to know of a method. */
export interface MethodSuite {
  readonly method: QuantizationMethod;
  /** The `lowbit` field of the package's manifest. */
  readonly manifest: unknown;
  /** Real checkpoints; at least one for each layout that the method reads. */
  readonly fixtures: readonly MethodFixture[];
  /** Settings that parse, and to what. */
  readonly accepts?: readonly AcceptedConfig[];
  /** Settings that do not, and why. */
  readonly rejects?: readonly RejectedConfig[];
}

interface SuiteConfig {
  /** What is special about these settings. */
  readonly name: string;
  /** `config.json`. */
  readonly config: JsonObject;
  /** Files beside it, by name. */
  readonly sideFiles?: Readonly<Record<string, JsonObject>>;
}

export interface AcceptedConfig extends SuiteConfig {
  /** Canonical settings that must come out, among others. */
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** All warnings; absent: none. */
  readonly warnings?: readonly string[];
}

export interface RejectedConfig extends SuiteConfig {
  /** What the error says, or part of it. */
  readonly message: string | RegExp;
}

/**
 * Registers the conformance suite of a quantization method with vitest. Call it at the top of a test file.
 *
 * Per fixture: every module is described, every tensor claimed once, the described weights equal the recorded ones bit
 * for bit, slices mean what the whole means, and no damage to any tensor goes unnoticed.
 */
export function testMethod({ method, manifest, fixtures, accepts = [], rejects = [] }: MethodSuite): void {
  describe(`method ${method.name}`, () => {
    it('keeps the contract', () => {
      expect(contractProblems(method, manifest)).toEqual([]);
    });

    it('has fixtures', () => {
      expect(fixtures.length).toBeGreaterThan(0);
    });

    if (accepts.length > 0) {
      it.each(accepts)('accepts: $name', (accepted) => {
        const { settings, warnings } = parse(method, accepted);
        expect(settings).toMatchObject(accepted.settings);
        expect(warnings).toEqual(accepted.warnings ?? []);
      });
    }

    if (rejects.length > 0) {
      it.each(rejects)('rejects: $name', (rejected) => {
        expect(() => parse(method, rejected)).toThrow(rejected.message);
        expect(() => parse(method, rejected)).toThrow(expect.toSatisfy(LowbitError.isInstance));
      });
    }

    for (const fixture of fixtures) describe(fixtureName(fixture), () => testFixture(method, fixture));
  });
}

function parse(method: QuantizationMethod, { config, sideFiles = {} }: SuiteConfig) {
  return method.parseConfig({ config, sideFiles: new Map(Object.entries(sideFiles)), tensors: new Map() });
}

function testFixture(method: QuantizationMethod, { path, modules }: MethodFixture): void {
  let fixture: LoadedFixture;
  let described: DescribedCheckpoint;

  beforeAll(async () => {
    fixture = await loadFixture(modules ? { path, modules } : { path });
    described = describeCheckpoint(method, fixture.metadata, fixture.modules);
  });
  afterAll(() => fixture?.close());

  it('is found by its match', () => {
    expect(findMethod(createRegistry({ methods: [method] }), fixture.metadata)?.name).toBe(method.name);
  });

  it('has a scheme or a rule for every module, and quantizes some', () => {
    const asked = fixture.modules.filter(({ kind }) => kind !== 'norm').map(({ name }) => name);
    expect([...described.descriptions.keys(), ...described.unquantized.keys()].sort()).toEqual(asked.sort());
    expect(described.descriptions.size).toBeGreaterThan(0);
    expect([...described.unquantized].filter(([, rule]) => rule === '')).toEqual([]);
  });

  it('is described by plain frozen records', () => {
    for (const description of [...described.descriptions.values()].flat()) {
      expect(recordProblems(description), description.module).toEqual([]);
    }
  });

  it('means the weights that its library recorded, bit for bit', async () => {
    expect(fixture.recorded.size).toBeGreaterThan(0);
    for (const [module, recorded] of fixture.recorded) {
      const description = linears(described).find((one) => one.module === module);
      expect(description, `a description of ${module}`).toBeDefined();
      if (!description) continue;
      const values = dequantizeWeight(description.weight, await readAll(description, fixture));
      expect(weightProblem(values, recorded), module).toBeUndefined();
    }
  });

  it.each(['out', 'in'] as const)('means the same in slices of %s features', async (axis) => {
    let cuts = 0;
    for (const description of ofDistinctShape(linears(described))) {
      const { cut, problems } = checkSlices(description.weight, axis, await readAll(description, fixture));
      expect(problems, description.module).toEqual([]);
      if (cut !== undefined) cuts += 1;
    }
    expect(cuts, 'weights that could be cut').toBeGreaterThan(0);
  });

  it.each(Object.entries(damages))('any tensor %s: an error or a warning that names it', (_, damage) => {
    expect(damageProblems(method, fixture, damage)).toEqual([]);
  });
}

function linears({ descriptions }: DescribedCheckpoint): readonly LinearDescription[] {
  return [...descriptions.values()].flat().filter((one) => one.kind === 'linear');
}

function ofDistinctShape(descriptions: readonly LinearDescription[]): readonly LinearDescription[] {
  const shapes = descriptions.map(({ weight }) => [`${weight.outFeatures} x ${weight.inFeatures}`, weight] as const);
  const first = new Map([...shapes].reverse());
  return descriptions.filter(({ weight }) => [...first.values()].includes(weight));
}

/** The bytes of a module's tensors, read beforehand: dequantizing is synchronous. */
async function readAll({ weight }: LinearDescription, { bytes }: LoadedFixture): Promise<ReadTensor> {
  const read = new Map<string, Uint8Array>();
  const tables = [weight.codes, ...weight.scales, weight.zero, weight.shift, weight.groupIndex];
  const refs = tables.flatMap((table): TensorRef[] => (table ? [table.ref] : []));
  for (const ref of refs) read.set(ref.name, await bytes.read(ref));
  return ({ name }) => {
    const found = read.get(name);
    if (!found) throw new Error(`${name} was not read`);
    return found;
  };
}

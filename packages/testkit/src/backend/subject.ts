import { type Backend, type Device, formatRefusal, type Refusal } from '@lowbit/core';
import type { TestContext } from 'vitest';
import { tolerances } from '../tolerances.ts';
import type { ActivationCase } from './activation-cases.ts';
import type { WeightCase } from './weight-cases.ts';

/** A thing that a backend may accept or refuse. */
export type BackendCase =
  | `weight:${WeightCase}`
  | `activations:${ActivationCase}`
  | `embedding:${EmbeddingCase}`
  | `kv-cache:${KvCacheCase}`;

export const embeddingCases = ['f32', 'f16', 'bf16', 'int8-channel', 'int8-odd-shape', 'awq-gemm'] as const;
export type EmbeddingCase = (typeof embeddingCases)[number];

export const kvCacheCases = ['f32', 'f16', 'bf16'] as const;
type KvCacheCase = (typeof kvCacheCases)[number];

export interface BackendSuiteOptions {
  /** Heads the suites. */
  readonly name: string;
  readonly backend: Backend;
  /** What must not be refused; whatever else is refused is skipped, with its reason. */
  readonly accepts: 'everything' | readonly BackendCase[];
  /** What the kernels compute in, see `tolerances`. Default `f32`. */
  readonly computesIn?: keyof typeof tolerances;
  /** A row gives the very same bits alone, in a batch and in chunks, not only numbers within the tolerance. */
  readonly bitExactBatches?: boolean;
}

/** A backend under test. */
export interface Subject {
  readonly backend: Backend;
  readonly tolerance: number;
  readonly bitExactBatches: boolean;
  readonly accepts: BackendSuiteOptions['accepts'];
  mustAccept(name: BackendCase): boolean;
  /** Its device; skips the test, with the reason, where it is not there. */
  device(context: TestContext): Promise<Device>;
}

export function createSubject({ backend, accepts, computesIn, bitExactBatches }: BackendSuiteOptions): Subject {
  let probing: ReturnType<Backend['probe']> | undefined;
  return {
    backend,
    tolerance: tolerances[computesIn ?? 'f32'],
    bitExactBatches: bitExactBatches ?? false,
    accepts,
    mustAccept: (name) => accepts === 'everything' || accepts.includes(name),
    async device(context) {
      probing ??= backend.probe();
      const result = await probing;
      if (result.kind === 'unavailable') return context.skip(formatRefusal(result.refusal));
      return result.device;
    },
  };
}

/** Ends a test as skipped, with the reasons. */
export function skipRefused(context: TestContext, refusals: readonly Refusal[]): never {
  return context.skip(refusals.map(formatRefusal).join('; '));
}

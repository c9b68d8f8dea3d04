import type { Numerics, Refusal } from '@lowbit/core';

/** What would run and why, known before any weight is read. */
export interface Explanation {
  readonly path: string;
  readonly architecture: string;
  readonly method: string;
  /** Other names under which serving engines know this checkpoint. */
  readonly aliases: readonly string[];
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  readonly backend: string;
  readonly device: string;
  readonly numerics: Numerics;
  /** Backends of the wanted kind that were not chosen, and why. */
  readonly backendRefusals: readonly Refusal[];
  readonly modules: readonly ModuleExplanation[];
  /** Tensors left aside, each with the rule that says so. */
  readonly unused: readonly { readonly tensor: string; readonly reason: string }[];
  readonly warnings: readonly string[];
  readonly bytes: {
    readonly stored: number;
    /** What prepared weights take. */
    readonly device: number;
    readonly kvCachePerToken: number;
    /** Values between operations, as f32, while a batch runs: for each of its tokens, besides a row of logits. */
    readonly workspacePerToken: number;
  };
}

export interface ModuleExplanation {
  readonly module: string;
  readonly kind: 'linear' | 'moe' | 'embedding' | 'kvCache' | 'norm' | 'vector';
  readonly scheme: string;
  /** Why the module is unquantized, where it is. */
  readonly rule?: string;
  /** Element type and stored layout of the codes: `u4 [in, out/8] x 4-bit (out%2, out/2%4) in 32-bit words`. */
  readonly layout: string;
  /** Absent for norms and vectors, which every backend runs. */
  readonly kernel?: string;
  readonly refusals: readonly Refusal[];
  /** What the kernel approximates with these numerics, if anything. */
  readonly approximation?: string;
  readonly storedBytes: number;
  /** On the device, once prepared; for a KV cache, per token. */
  readonly deviceBytes: number;
}

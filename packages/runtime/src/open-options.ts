import type { Numerics, Registry } from '@lowbit/core';

/** How to look at a checkpoint folder. */
export interface PlanOptions {
  readonly registry: Registry;
  /**
   * `cpu`: the best backend present for that kind of device; `cpu:reference`: that one; `webgpu:hardware:H100`: the one of
   * its devices with that in its name. Default `cpu`.
   */
  readonly device?: string | undefined;
  /** Default `fast` where no linear of the checkpoint quantizes its activations, else `faithful`. */
  readonly numerics?: Numerics | undefined;
  /** Most tokens in one sequence; default and upper bound are the model's own. */
  readonly contextLength?: number | undefined;
  /**
   * What the KV cache holds. Default `auto`: as the checkpoint says; where it says nothing f32, and f16 with numerics
   * `fast` where the backend has it. 8-bit floats use the checkpoint's scales; where it has none, a scale of 1, and a
   * warning.
   */
  readonly kvCacheType?: KvCacheType | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type KvCacheType = 'auto' | 'f32' | 'f16' | 'bf16' | 'fp8_e4m3' | 'fp8_e5m2';

/** How to run a model. */
export interface OpenOptions extends PlanOptions {
  /** Most sequences in one batch. Default 16. */
  readonly maxRunningRequests?: number | undefined;
  /** Most prompt tokens computed in one forward, so that running sequences are not held up. Default 512. */
  readonly prefillChunk?: number | undefined;
  /** Tokens that the KV cache holds, all sequences together. Default: four full contexts, at most 16,384. */
  readonly kvCacheTokens?: number | undefined;
  /**
   * Most bytes on the device, weights, KV cache and values of a batch together: what needs more by the plan is refused before
   * a weight is read. Default: what the device has, where it says so; GPUs through WebGPU do not.
   */
  readonly memoryLimit?: number | undefined;
  /** Most threads that a backend of the processor computes with. Default: its own choice. */
  readonly threads?: number | undefined;
  /** Replaces the model's chat template. */
  readonly chatTemplate?: string | undefined;
  /** `model`: what `generation_config.json` says, where a request does not. `none`: it is not read. Default `model`. */
  readonly samplingDefaults?: 'model' | 'none' | undefined;
  /** Called as modules become ready. */
  onProgress?(progress: Progress): void;
}

export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

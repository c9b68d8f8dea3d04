import type { DType } from '@lowbit/core';

/** What a checkpoint folder holds; needs no method and no backend. */
export interface Inspection {
  readonly path: string;
  readonly architecture: string | undefined;
  readonly modelType: string | undefined;
  /** As `quant_method` says; undefined where nothing says. */
  readonly quantMethod: string | undefined;
  /** Where the quantization settings were found. */
  readonly quantizationSource: string | undefined;
  /** Canonical settings, where the method is installed. */
  readonly settings: Readonly<Record<string, string | number | boolean | null>> | undefined;
  /** What cannot be said, and why: "no method for gptq; install ...". */
  readonly notes: readonly string[];
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly tensors: number }[];
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly bytes: number;
    readonly file: string;
  }[];
  /** Bytes of tensor data per dtype. */
  readonly bytesByDType: Readonly<Partial<Record<DType, number>>>;
  readonly totalBytes: number;
}

import type { EmbeddingDescription, KvCacheDescription, LinearDescription, MoeDescription } from './description.ts';
import type { Device, Numerics, Phase } from './device.ts';
import type { Refusal } from './refusal.ts';
import type { TensorBytes } from './tensor-ref.ts';

/** What every kernel answers from the description alone, before any weight is read and for devices nobody has. */
interface KernelChoice<Description, D extends Device> {
  /** `reference/dequantize`, `webgpu/w4a16-tiled`. */
  readonly name: string;
  /** Undefined: I can. Otherwise why not, with the numbers. */
  refuse(description: Description, device: D, numerics: Numerics): Refusal | undefined;
  /** Bytes the module takes on the device once prepared; for a KV cache, bytes for one token. */
  bytes(description: Description): number;
  /** One line on what this kernel approximates with these numerics, if it approximates anything. */
  approximation?(description: Description, numerics: Numerics): string | undefined;
}

export interface PrepareContext<D extends Device = Device> {
  readonly device: D;
  readonly numerics: Numerics;
  readonly bytes: TensorBytes;
}

export interface LinearKernel<D extends Device = Device> extends KernelChoice<LinearDescription, D> {
  /** Reads the weight from its files straight into the kernel's own layout. */
  prepare(description: LinearDescription, context: PrepareContext<D>): Promise<Linear>;
}

/** A linear, ready to run. */
export interface Linear {
  /**
   * `input` is `[rows, in]`, the answer `[rows, out]`, both row-major f32.
   * @param phase of all these rows; default `prefill`
   */
  forward(input: Float32Array, rows: number, phase?: Phase): Promise<Float32Array>;
  release(): void;
}

export interface MoeKernel<D extends Device = Device> extends KernelChoice<MoeDescription, D> {
  prepare(description: MoeDescription, context: PrepareContext<D>): Promise<Moe>;
}

/** A block of experts, ready to run. */
export interface Moe {
  /**
   * `input` is `[rows, hidden]`; the answer `[rows, hidden]` is, per row, the sum of its experts' outputs times their
   * weights.
   */
  forward(input: Float32Array, routing: Routing): Promise<Float32Array>;
  release(): void;
}

/** Which experts each row goes through, and how much each counts: `[rows, topK]`. */
export interface Routing {
  readonly topK: number;
  readonly experts: Int32Array;
  readonly weights: Float32Array;
  /** Of each row, `[rows]`. */
  readonly phases: readonly Phase[];
}

export interface EmbeddingKernel<D extends Device = Device> extends KernelChoice<EmbeddingDescription, D> {
  prepare(description: EmbeddingDescription, context: PrepareContext<D>): Promise<Embedding>;
}

/** An embedding table, ready to be looked up. */
export interface Embedding {
  /** Rows of the table, `[tokenIds.length, hidden]` f32. */
  forward(tokenIds: Int32Array): Promise<Float32Array>;
  release(): void;
}

/** The cache itself lives inside the backend's executable, in blocks. */
export interface KvCacheKernel<D extends Device = Device> extends KernelChoice<KvCacheDescription, D> {}

/** A backend's kernels by module kind; order is preference. */
export interface Kernels<D extends Device = Device> {
  readonly linear: readonly LinearKernel<D>[];
  readonly moe: readonly MoeKernel<D>[];
  readonly embedding: readonly EmbeddingKernel<D>[];
  readonly kvCache: readonly KvCacheKernel<D>[];
}

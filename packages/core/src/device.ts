/** Something that computes. Backends extend it with their own handles. */
export interface Device {
  /** `cpu`, `webgpu`, `cuda`, ...: what people write before the colon in `--device cpu:reference`. */
  readonly kind: string;
  /** For people: "AMD EPYC 9554, 2 threads". */
  readonly name: string;
  /** Memory for weights and KV cache in bytes, where it is known. */
  readonly memory?: number;
}

/** One of several devices, as people choose among them. */
export interface ListedDevice {
  /** What `probe` takes: all of it or a part. */
  readonly name: string;
  /** What matters for the choice, for people: `features`: `subgroups, no shader-f16`. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Tokens of the prompt, or tokens that the model generated itself. */
export type Phase = 'prefill' | 'decode';

/** How faithful execution is to the checkpoint. */
export type Numerics =
  /** Weights dequantized, activations untouched, f32 accumulation. */
  | 'exact'
  /** As the checkpoint says: activations are quantized where its scheme quantizes them. */
  | 'faithful'
  /** A kernel may also quantize activations where the checkpoint does not; it states what that costs. */
  | 'fast';

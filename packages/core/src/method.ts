import type { CheckpointMetadata } from './checkpoint.ts';
import type { EmbeddingDescription, KvCacheDescription, LinearDescription } from './description.ts';
import type { EmbeddingSpec, KvCacheSpec, LinearSpec, MoeSpec } from './module-spec.ts';
import type { Refusal } from './refusal.ts';
import type { TensorClaims } from './tensor-ledger.ts';

/** How a checkpoint shows that a method wrote it. Stands in the plugin's manifest too, so that nothing is imported to find out. */
export interface MethodMatch {
  /** Values of `quant_method`, compared without case. */
  readonly quantMethod?: readonly string[];
  /** Files beside `config.json` that give the method away when `config.json` names none. */
  readonly files?: readonly FileMatch[];
}

/** The file names the method (`quant_method` in it is one of the method's), or names none and has all of `keys`. */
export interface FileMatch {
  readonly name: string;
  readonly keys: readonly string[];
}

/** A quantized checkpoint format. The default export of a method package. */
export interface QuantizationMethod {
  readonly specificationVersion: 'v1';
  readonly name: string;
  readonly match: MethodMatch;
  /** JSON files beside `config.json` that `parseConfig` wants to see where they exist. */
  readonly configFiles?: readonly string[];
  /**
   * Parses and validates the checkpoint's settings.
   * @throws ConfigError naming file, field, expected and found; RefusedError for legal settings that are not supported
   */
  parseConfig(checkpoint: CheckpointMetadata): QuantizationConfig;
}

/** A checkpoint's settings, parsed: chooses one scheme per module. Knows no device. */
export interface QuantizationConfig {
  readonly method: string;
  /** What `lowbit inspect` prints: the canonical settings. */
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** Things worth a word that do not stop anything: unknown fields, rules that surprise. */
  readonly warnings: readonly string[];
  linearScheme(module: LinearSpec): SchemeAnswer<LinearScheme>;
  moeScheme(module: MoeSpec): SchemeAnswer<MoeScheme>;
  embeddingScheme(module: EmbeddingSpec): SchemeAnswer<EmbeddingScheme>;
  kvCacheScheme(module: KvCacheSpec): SchemeAnswer<KvCacheScheme>;
}

/** A scheme; or unquantized, with the rule that said so; or a refusal. Never silence. */
export type SchemeAnswer<Scheme> =
  | { readonly kind: 'scheme'; readonly scheme: Scheme; readonly warnings?: readonly string[] }
  | { readonly kind: 'unquantized'; readonly rule: string; readonly warnings?: readonly string[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Says which tensors a module has and what they mean. `describe` claims every tensor of the module, checks dtype and
 * shape, and moves no bits.
 * @throws TensorError
 */
interface Scheme<Spec, Description> {
  /** As the field writes it: `w4a16`, `w8a8-int8`. */
  readonly name: string;
  describe(module: Spec, tensors: TensorClaims): Description;
}

export type LinearScheme = Scheme<LinearSpec, LinearDescription>;
export type EmbeddingScheme = Scheme<EmbeddingSpec, EmbeddingDescription>;
export type KvCacheScheme = Scheme<KvCacheSpec, KvCacheDescription>;
/** One scheme per projection of every expert; the block's own description joins them. */
export type MoeScheme = Scheme<MoeSpec, readonly LinearDescription[]>;

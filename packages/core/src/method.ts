import type { CheckpointMetadata } from './checkpoint.ts';
import type { EmbeddingDescription, KvCacheDescription, LinearDescription, MoeDescription } from './description.ts';
import type { EmbeddingSpec, KvCacheSpec, LinearSpec, MoeSpec } from './module-spec.ts';
import type { Refusal } from './refusal.ts';
import type { TensorClaims, UnusedRule } from './tensor-ledger.ts';

/** How a checkpoint shows that a method wrote it. Stands in the plugin's manifest too, so that nothing is imported to find out. */
export interface MethodMatch {
  /** Values of `quant_method`, compared without case. */
  readonly quantMethod?: readonly string[];
  /** Settings that several methods share a `quant_method` with: these go before a plain `quantMethod`. */
  readonly configs?: readonly ConfigMatch[];
  /** Files beside `config.json` that give the method away when `config.json` names none. */
  readonly files?: readonly FileMatch[];
}

/** Settings with this `quant_method` that have all of `keys`, and one of the listed values under each of `values`. */
export interface ConfigMatch {
  readonly quantMethod: string;
  readonly keys?: readonly string[];
  readonly values?: Readonly<Record<string, readonly string[]>>;
}

/** The file names the method (`quant_method` in it is one of the method's), or names none and has all of `keys`. */
export interface FileMatch {
  /** A file name; `*` stands for any run of characters. */
  readonly name: string;
  readonly keys: readonly string[];
  /** The file counts even where `config.json` names a method. */
  readonly overrides?: true;
}

/** One variant of a format and what becomes of it; `docs/formats.md` is made from these. */
export interface FormatVariant {
  /** As the format calls it: `gemm, 4-bit`, `W8A8_DYNAMIC`. */
  readonly name: string;
  readonly modules: readonly ('linear' | 'moe' | 'embedding' | 'head' | 'kvCache')[];
  readonly status: 'supported' | 'refused';
  /** Conditions, or why it is refused. */
  readonly note?: string;
}

/** A quantized checkpoint format. The default export of a method package. */
export interface QuantizationMethod {
  readonly specificationVersion: 'v1';
  readonly name: string;
  readonly match: MethodMatch;
  /** JSON files beside `config.json` that `parseConfig` wants to see where they exist; `*` as in `FileMatch`. */
  readonly configFiles?: readonly string[];
  /** What the package reads and what it refuses. */
  readonly variants: readonly FormatVariant[];
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
  /** Other names under which serving engines know just this checkpoint: `awq_marlin`, `w8a8_int8`. */
  readonly aliases?: readonly string[];
  /** Tensors that the format writes and no run needs. */
  readonly unused?: readonly UnusedRule[];
  /** A tied head is asked for too: a scheme only where the head has tensors of its own. */
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
export type MoeScheme = Scheme<MoeSpec, MoeDescription>;

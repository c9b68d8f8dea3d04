import type { JsonObject } from '@lowbit/core';

/** The architecture as `config.json` names it: `Qwen3ForCausalLM`. */
export function architectureOf({ architectures }: JsonObject): string | undefined {
  const [first]: unknown[] = Array.isArray(architectures) ? architectures : [];
  return typeof first === 'string' ? first : undefined;
}

import { ConfigError, isJsonObject } from '@lowbit/core';

const roles = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;

/** Special tokens by role, as chat templates call them: `{ bos_token: '<s>' }`. */
export type SpecialTokens = Readonly<Partial<Record<(typeof roles)[number], string>>>;

/**
 * The special tokens that a `tokenizer_config.json` names, each a text or an object with `content`.
 * @throws ConfigError for anything else
 */
export function readSpecialTokens(tokenizerConfig: unknown): SpecialTokens {
  if (!isJsonObject(tokenizerConfig)) return {};
  const found: Partial<Record<(typeof roles)[number], string>> = {};
  for (const role of roles) {
    const value = tokenizerConfig[role];
    if (value === undefined || value === null) continue;
    const text = isJsonObject(value) ? value.content : value;
    if (typeof text !== 'string') {
      const expected = 'a text, or an object with the text as "content"';
      throw new ConfigError({ file: 'tokenizer_config.json', field: role, expected, actual: value });
    }
    found[role] = text;
  }
  return found;
}

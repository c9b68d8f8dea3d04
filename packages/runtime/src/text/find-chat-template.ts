import { ConfigError, isJsonObject } from '@lowbit/core';

const file = 'tokenizer_config.json';
const expected = 'a template, or a list of { name, template } with one named "default"';

/**
 * A checkpoint's chat template: the file `chat_template.jinja` where there is one, else `chat_template` of
 * `tokenizer_config.json`, a string or a list of named ones; as transformers looks for it.
 * @throws ConfigError for a `chat_template` that is neither, or a list without a default
 */
export function findChatTemplate(sources: {
  readonly tokenizerConfig?: unknown;
  /** Text of `chat_template.jinja`. */
  readonly jinjaFile?: string | undefined;
}): string | undefined {
  if (sources.jinjaFile !== undefined) return sources.jinjaFile;
  const value = isJsonObject(sources.tokenizerConfig) ? sources.tokenizerConfig.chat_template : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw new ConfigError({ file, field: 'chat_template', expected, actual: value });
  const named = value.find((entry) => isJsonObject(entry) && entry.name === 'default');
  if (!isJsonObject(named) || typeof named.template !== 'string') {
    const names = value.map((entry) => (isJsonObject(entry) ? entry.name : entry));
    throw new ConfigError({ file, field: 'chat_template', expected, actual: names });
  }
  return named.template;
}

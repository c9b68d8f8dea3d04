import { ConfigError } from '@lowbit/core';
import * as z from 'zod';

/** Larger than any vocabulary; a bound because the tokenizer library makes a table of this length. */
const maximumId = 2 ** 24;

const idWords = `a token id from 0 to ${maximumId}`;
const tokenId = z.int(idWords).min(0, idWords).max(maximumId, idWords);

const component = z
  .looseObject({ type: z.string('a text') }, 'an object with a type')
  .nullable()
  .default(null);

/** The parts that the tokenizer library takes for granted. Anything else is checked by its own constructors. */
const tokenizerJson = z.looseObject(
  {
    model: z.looseObject(
      {
        vocab: z.union(
          [z.record(z.string(), tokenId), z.array(z.tuple([z.string(), z.number()]))],
          `token ids from 0 to ${maximumId} by token, or a list of tokens with scores`,
        ),
      },
      'an object with a vocabulary',
    ),
    added_tokens: z
      .array(
        z.looseObject(
          { id: tokenId, content: z.string('a text'), special: z.boolean('true or false').default(false) },
          'an added token',
        ),
        'a list of added tokens',
      )
      .default([]),
    normalizer: component,
    pre_tokenizer: component,
    post_processor: component,
    decoder: component,
  },
  'a tokenizer',
);

const tokenizerConfig = z.looseObject(
  {
    clean_up_tokenization_spaces: z.boolean('true or false').nullish(),
    additional_special_tokens: z
      .array(
        z.union(
          [z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)],
          'a text, or an object with the text as "content"',
        ),
        'a list of tokens',
      )
      .nullish(),
  },
  'an object',
);

export interface TokenizerFiles {
  readonly json: z.infer<typeof tokenizerJson>;
  readonly config: z.infer<typeof tokenizerConfig>;
  /** Largest id plus one. */
  readonly vocabSize: number;
}

/** @throws ConfigError naming file and field */
export function readTokenizerFiles(json: unknown, config: unknown): TokenizerFiles {
  const parsedJson = check('tokenizer.json', tokenizerJson, json);
  const parsedConfig = check('tokenizer_config.json', tokenizerConfig, config);
  const { vocab } = parsedJson.model;
  const sizes = Array.isArray(vocab) ? [vocab.length] : Object.values(vocab).map((id) => id + 1);
  const vocabSize = [...sizes, ...parsedJson.added_tokens.map(({ id }) => id + 1)].reduce((a, b) => Math.max(a, b), 0);
  return { json: parsedJson, config: parsedConfig, vocabSize };
}

function check<Schema extends z.ZodType>(file: string, schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const actual = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
  throw new ConfigError({
    file,
    field: path.length > 0 ? path.join('.') : undefined,
    expected: message,
    actual,
  });
}

import type { CachePart, DeviceCache } from '../cache/device-cache.ts';

const parts = ['key', 'value'] as const;

/** WGSL of the sizes that the functions below name. */
const sizeNames = {
  key: { size: 'HEAD_SIZE', words: 'KEY_WORDS' },
  value: { size: 'VALUE_HEAD_SIZE', words: 'VALUE_WORDS' },
} as const;

/**
 * WGSL: `keyNumber` and `valueNumber`, what the element of a feature stands for, and `keyCode` and `valueCode`, the element
 * for a number.
 */
export function elementShader(cache: DeviceCache): string {
  return parts
    .map((name) => {
      const { encode, decode } = cache[name];
      const first = name === 'key' ? '' : '2 * KEY_WIDTH + ';
      const scale = `quantities[${first}feature]`;
      const scaled = cache.quantities !== undefined;
      const zero = scaled ? `quantities[${first}${name === 'key' ? 'KEY' : 'VALUE'}_WIDTH + feature]` : '0.0';
      return [
        `fn ${name}Number(code: u32, feature: u32) -> f32 {`,
        `  let zero = ${zero};`,
        `  return ${decode}${scaled ? ` * ${scale}` : ''};`,
        '}',
        `fn ${name}Code(unscaled: f32, feature: u32) -> u32 {`,
        `  let zero = ${zero};`,
        `  let value = ${scaled ? `divide(unscaled, ${scale})` : 'unscaled'};`,
        `  return ${encode};`,
        '}',
      ].join('\n');
    })
    .join('\n');
}

/** WGSL: `keyQuad` and `valueQuad`, four features of a head in the cache; zeros past its end. */
export function quadShader(cache: DeviceCache, headSizes: Readonly<Record<'key' | 'value', number>>): string {
  return parts.map((name) => quadOf(name, cache[name], headSizes[name])).join('\n');
}

function quadOf(name: 'key' | 'value', { bits }: CachePart, headSize: number): string {
  const perWord = 32 / bits;
  const mask = `${2 ** bits - 1}u`;
  const { size, words } = sizeNames[name];
  const numberOf = (e: number, word: string, element: string) =>
    `${name}Number((${word} >> (${bits}u * (${element} % ${perWord}u))) & ${mask}, feature + ${e})`;
  // Heads of whole quads: every word is read once, and elements lie where they always do.
  const whole = headSize % 4 === 0;
  const elements = [0, 1, 2, 3].map((e) =>
    whole
      ? numberOf(e, `word${Math.floor(e / perWord)}`, `${e}u`)
      : `select(0.0, ${numberOf(e, `${name}s[row + (feature + ${e}) / ${perWord}]`, `(feature + ${e})`)}, 4 * quad + ${e} < ${size})`,
  );
  const loads = Array.from(
    { length: 4 / perWord },
    (_, w) => `  let word${w} = ${name}s[row + feature / ${perWord} + ${w}];`,
  );
  return [
    `fn ${name}Quad(slot: u32, head: u32, quad: u32) -> vec4f {`,
    `  let row = slot * ${words};`,
    `  let feature = head * ${size} + 4 * quad;`,
    ...(whole ? loads : []),
    `  return vec4f(${elements.join(', ')});`,
    '}',
  ].join('\n');
}

/** WGSL: `queryQuad`, the same of a query, and what its buffer is bound as. */
export function queryShader(headSize: number): { readonly source: string; readonly type: 'vec4f' | 'f32' } {
  const head = 'fn queryQuad(row: u32, head: u32, quad: u32) -> vec4f {';
  const first = '(row * HEADS + head) * HEAD_SIZE';
  if (headSize % 4 === 0) return { source: `${head} return query[(${first}) / 4 + quad]; }`, type: 'vec4f' };
  const elements = [0, 1, 2, 3].map(
    (e) => `select(0.0, query[${first} + 4 * quad + ${e}], 4 * quad + ${e} < HEAD_SIZE)`,
  );
  return { source: `${head} return vec4f(${elements.join(', ')}); }`, type: 'f32' };
}

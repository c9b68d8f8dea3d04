/**
 * What `clean_up_tokenization_spaces` asks for: no spaces before English punctuation and contractions. The rules, and that they
 * are applied one after the other, are those of transformers' `clean_up_tokenization`.
 */
export function cleanUpSpaces(text: string): string {
  return rules.reduce((current, [from, to]) => current.replaceAll(from, to), text);
}

const rules: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** `cleanUpSpaces` on a text that comes in pieces. */
export interface SpaceCleaner {
  push(piece: string): string;
  finish(): string;
}

/**
 * Every rule begins with a space and reaches three characters further, and rules remove nothing but spaces. So a text may be
 * cut behind three characters that are no spaces, and behind a space and a character that no rule can continue with.
 */
const lastSafeCut = /^[\s\S]*(?:[^ ]{3}| [^ .?!,'nvr])/;

export function createSpaceCleaner(): SpaceCleaner {
  let held = '';
  return {
    push(piece) {
      held += piece;
      const safe = lastSafeCut.exec(held)?.[0] ?? '';
      held = held.slice(safe.length);
      return cleanUpSpaces(safe);
    },
    finish() {
      const rest = cleanUpSpaces(held);
      held = '';
      return rest;
    },
  };
}

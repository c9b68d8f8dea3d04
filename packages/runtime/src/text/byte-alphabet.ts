/**
 * The letters in which byte-level vocabularies write bytes (introduced with GPT-2): printable Latin-1 characters stand for
 * themselves, the other bytes, in order, for U+0100, U+0101, ...
 */
export function byteOfLetter(): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return bytes;
}

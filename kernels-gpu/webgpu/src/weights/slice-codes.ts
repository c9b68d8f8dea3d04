import type { CodeForm } from '../load/code-form.ts';

/**
 * WGSL that takes a slice of 32 columns of a row apart, four columns at a time:
 *
 *   loadSlice(word)      the words of a slice, of which `word` is the first
 *   quarter0 ... 7(s)    four decoded codes; the numbers are `UNIT * (quarter - BASE)`, before a zero point is subtracted
 *   bytes0 ... 7(s)      four codes of an integer type of up to 8 bits as bytes of one word, as the device keeps them;
 *                        of others zero
 *   fillTable(thread)    makes ready what the quarters look up; by all THREADS threads
 */
export function sliceCodes({ bits, integers }: CodeForm): string {
  const vectors = Math.max(1, bits / 4);
  const loads = Array.from({ length: vectors }, (_, v) => `codes[word / ${wordsOfVector(bits)} + ${v}]`);
  const lines = [
    `struct Slice { ${loads.map((_, v) => `v${v}: ${vectorType(bits)}`).join(', ')} }`,
    `fn loadSlice(word: u32) -> Slice { return Slice(${loads.join(', ')}); }`,
    `const UNIT = ${integers ? 2 ** bits : 1}.0;`,
    `const BASE = ${integers ? (bits === 8 ? '1.5' : '1.0') : '0.0'};`,
  ];
  for (let quarter = 0; quarter < 8; quarter++) {
    const numbers = Array.from({ length: 4 }, (_, i) => decoded(bits, integers, 4 * quarter + i));
    lines.push(`fn quarter${quarter}(s: Slice) -> vec4f { return vec4f(${numbers.join(', ')}); }`);
    if (!integers) lines.push(`fn bytes${quarter}(s: Slice) -> u32 { return 0u; }`);
    else {
      const mask = (0x01010101 * (2 ** bits - 1)).toString(16);
      const { word, shift } = placeOf(bits, 4 * quarter);
      lines.push(`fn bytes${quarter}(s: Slice) -> u32 { return (${word} >> ${shift}u) & 0x${mask}u; }`);
    }
  }
  return [...lines, ...(looksUp(bits, integers) ? [tableSource(bits)] : ['fn fillTable(thread: u32) {}'])].join('\n');
}

/** How codes are bound. */
export function vectorType(bits: number): 'vec2u' | 'vec4u' {
  return bits === 2 ? 'vec2u' : 'vec4u';
}

function wordsOfVector(bits: number): number {
  return bits === 2 ? 2 : 4;
}

/** As slotBit() of weight.wgsl has it. */
function placeOf(bits: number, column: number): { readonly word: string; readonly shift: number } {
  const perWord = 32 / bits;
  const [index, slot] = [Math.floor(column / perWord), column % perWord];
  const shift = bits < 8 ? 8 * (slot % 4) + bits * Math.floor(slot / 4) : bits * slot;
  return { word: `s.v${Math.floor(index / 4)}.${'xyzw'[index % 4]}`, shift };
}

/**
 * Integers go into the mantissa of 1.0, which takes no conversion: 1 + code / 2^bits; signed bytes with their first bit
 * turned, so that they count from -128 on. Floats of up to 8 bits are looked up.
 */
function decoded(bits: number, integers: boolean, column: number): string {
  const { word, shift } = placeOf(bits, column);
  if (integers) {
    const left = 23 - bits - shift;
    const turned = bits === 8 ? `(${word} ^ 0x80808080u)` : word;
    const moved = left >= 0 ? `(${turned} << ${left}u)` : `(${turned} >> ${-left}u)`;
    return `bitcast<f32>((${moved} & 0x${((2 ** bits - 1) * 2 ** (23 - bits)).toString(16)}u) | 0x3f800000u)`;
  }
  const code = bits === 32 ? word : `(${word} >> ${shift}u) & 0x${(2 ** bits - 1).toString(16)}u`;
  return looksUp(bits, integers) ? `numberTable[${code}]` : `number(${code})`;
}

function looksUp(bits: number, integers: boolean): boolean {
  return !integers && bits <= 8;
}

function tableSource(bits: number): string {
  const codes = 2 ** bits;
  return `var<workgroup> numberTable: array<f32, ${codes}>;
fn fillTable(thread: u32) {
  for (var code = thread; code < ${codes}; code += THREADS) { numberTable[code] = number(code); }
  workgroupBarrier();
}`;
}

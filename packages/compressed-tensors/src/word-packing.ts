import { type Packing, wordsOf } from './compressed-tensors-layout.ts';

/** Major and minor number of the library that wrote a file. */
export type LibraryVersion = readonly [major: number, minor: number];

/** A packed axis: how many codes it holds, and in how many words the file keeps them, if it does. */
export interface PackedAxis {
  readonly count: number;
  readonly words: number | undefined;
}

export interface PackingChoice {
  readonly packing: Packing;
  /** The sizes allow both, and no version decides. */
  readonly guessed: boolean;
  /** What the version says, where the sizes say otherwise. */
  readonly against?: Packing;
}

/**
 * The packing of a module's words. Library 0.18 changed it, but the version in a file may be that of another tool: sizes
 * that allow only one packing decide, the version decides between two.
 * @param axes the weight's first; the zero points' then settle what the weight leaves open
 */
export function choosePacking(
  bits: number,
  version: LibraryVersion | undefined,
  axes: readonly PackedAxis[],
): PackingChoice {
  const said = version && (isDense(version) ? 'dense' : 'legacy');
  if (32 % bits === 0) return { packing: 'dense', guessed: false };
  let allowed: readonly Packing[] = ['dense', 'legacy'];
  for (const { count, words } of axes) {
    const fitting = allowed.filter((packing) => words === wordsOf(count, bits, packing));
    if (fitting.length > 0) allowed = fitting;
  }
  const [only] = allowed;
  if (only === undefined || allowed.length > 1) return { packing: said ?? 'legacy', guessed: said === undefined };
  return { packing: only, guessed: false, ...(said && said !== only ? { against: said } : {}) };
}

function isDense([major, minor]: LibraryVersion): boolean {
  return major > 0 || minor >= 18;
}

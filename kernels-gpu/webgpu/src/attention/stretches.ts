/** Positions that a workgroup of attend.wgsl takes at once. */
const tile = 128;
/** Enough to keep a device busy with one row. */
const mostStretches = 64;

/**
 * Into how many stretches of how many positions a context is cut: many for few rows, one for a prompt.
 * @param parts rows times stretches, at most
 */
export function stretchesOf(
  rows: number,
  context: number,
  parts: number,
): { readonly stretches: number; readonly positions: number } {
  const tiles = Math.ceil(context / tile);
  const wanted = Math.min(tiles, mostStretches, Math.max(1, Math.floor(parts / rows)));
  const positions = tile * Math.ceil(tiles / wanted);
  return { stretches: Math.ceil(context / positions), positions };
}

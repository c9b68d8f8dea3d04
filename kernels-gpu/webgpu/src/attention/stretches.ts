/** Positions that a workgroup of attend.wgsl takes at once. */
const tile = 256;
/** A context so short is taken by one workgroup: joining stretches is a dispatch more. */
const shortContext = 512;
/** Enough to keep a device busy with one row. */
const mostStretches = 64;

/**
 * Into how many stretches of how many positions a context is cut: many for few rows.
 * @param parts rows times stretches, at most
 */
export function stretchesOf(
  rows: number,
  context: number,
  parts: number,
): { readonly stretches: number; readonly positions: number } {
  if (context <= shortContext) return { stretches: 1, positions: shortContext };
  const tiles = Math.ceil(context / tile);
  const wanted = Math.min(tiles, mostStretches, Math.max(1, Math.floor(parts / rows)));
  const positions = tile * Math.ceil(tiles / wanted);
  return { stretches: Math.ceil(context / positions), positions };
}

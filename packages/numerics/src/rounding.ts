/** From here on every f64 is an integer. */
const integersOnly = 2 ** 52;

/** Nearest integer, ties to even. Exact for every f64; keeps the sign of zero. */
export function roundHalfEven(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < integersOnly)) return value;
  // The sum has no fraction bits left, so the addition itself rounds, and it rounds half to even.
  const rounded = magnitude + integersOnly - integersOnly;
  return isNegative(value) ? -rounded : rounded;
}

/** Nearest integer, ties away from zero. Exact for every f64; keeps the sign of zero. */
export function roundHalfAwayFromZero(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < integersOnly)) return value;
  const below = Math.floor(magnitude);
  const rounded = magnitude - below >= 0.5 ? below + 1 : below;
  return isNegative(value) ? -rounded : rounded;
}

function isNegative(value: number): boolean {
  return value < 0 || Object.is(value, -0);
}

/** Where a description is not a plain, frozen record that survives JSON. Paths as `weight.codes.ref`. */
export function recordProblems(value: unknown, path = 'description'): readonly string[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} is ${value}, which JSON cannot hold`];
  if (typeof value !== 'object') return [`${path} is ${value === undefined ? 'undefined' : `a ${typeof value}`}`];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype) return [`${path} is no plain record`];
  const problems = Object.entries(value).flatMap(([key, inner]) => recordProblems(inner, `${path}.${key}`));
  return Object.isFrozen(value) ? problems : [`${path} is not frozen`, ...problems];
}

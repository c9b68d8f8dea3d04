/** Freezes a plain record and everything in it. Methods freeze the descriptions they hand out: they are shared, never changed. */
export function deepFreeze<T>(record: T): T {
  if (typeof record === 'object' && record !== null && !Object.isFrozen(record)) {
    Object.freeze(record);
    for (const value of Object.values(record)) deepFreeze(value);
  }
  return record;
}

/**
 * Whether there are files and processes: in Node and its like, not in browsers. What needs them asks
 * `process.getBuiltinModule` when it runs; an import would keep the whole package out of browsers.
 */
export function hasFiles(): boolean {
  return globalThis.process?.getBuiltinModule?.('node:fs') !== undefined;
}

export type * from './io.ts';
export { run } from './run.ts';
export type * from './runtime.ts';

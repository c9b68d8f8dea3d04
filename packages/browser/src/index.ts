export { HttpError, type HttpErrorCode } from './http-error.ts';
export { createMemoryStore } from './memory-store.ts';
export type * from './open-http-folder.ts';
export { openHttpFolder } from './open-http-folder.ts';
export { openOpfsStore } from './opfs-store.ts';
export type * from './store.ts';

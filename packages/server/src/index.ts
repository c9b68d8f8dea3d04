export { createServerApp } from './create-server-app.ts';
export type { Logger, ServerOptions } from './server-options.ts';
export { type RunningServer, type StartServerOptions, startServer } from './start-server.ts';

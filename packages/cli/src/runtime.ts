import type { ServerOptions } from '@lowbit/server';

type Library = typeof import('@lowbit/runtime');

/** The functions behind the commands; tests hand in their own. */
export interface Runtime
  extends Pick<
    Library,
    | 'discoverPlugins'
    | 'probeBackends'
    | 'inspectModel'
    | 'explainModel'
    | 'openModel'
    | 'verifyModel'
    | 'measurePerplexity'
  > {
  startServer(options: ServerOptions & ListenOptions): Promise<RunningServer>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Stops listening, lets running requests end, then resolves `closed`. */
  readonly signal: AbortSignal;
}

export interface RunningServer {
  readonly url: string;
  readonly closed: Promise<void>;
}

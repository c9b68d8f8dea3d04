type Library = typeof import('@lowbit/runtime');
type Server = typeof import('@lowbit/server');

/** The functions behind the commands; tests hand in their own. */
export type Runtime = Pick<
  Library,
  | 'discoverPlugins'
  | 'probeBackends'
  | 'inspectModel'
  | 'explainModel'
  | 'openModel'
  | 'verifyModel'
  | 'measurePerplexity'
  | 'measureSpeed'
> &
  Pick<Server, 'startServer'> & {
    missingPlugins(...args: Parameters<Library['missingPlugins']>): Promise<ReturnType<Library['missingPlugins']>>;
  };

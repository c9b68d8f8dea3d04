import type { Runtime } from './runtime.ts';

/** The real functions. Imported on first use, so that help and usage errors come at once. */
export const loadedOnUse: Runtime = {
  discoverPlugins: async (...args) => (await import('@lowbit/runtime')).discoverPlugins(...args),
  probeBackends: async (...args) => (await import('@lowbit/runtime')).probeBackends(...args),
  missingPlugins: async (...args) => (await import('@lowbit/runtime')).missingPlugins(...args),
  inspectModel: async (...args) => (await import('@lowbit/runtime')).inspectModel(...args),
  explainModel: async (...args) => (await import('@lowbit/runtime')).explainModel(...args),
  openModel: async (...args) => (await import('@lowbit/runtime')).openModel(...args),
  verifyModel: async (...args) => (await import('@lowbit/runtime')).verifyModel(...args),
  measurePerplexity: async (...args) => (await import('@lowbit/runtime')).measurePerplexity(...args),
  measureSpeed: async (...args) => (await import('@lowbit/runtime')).measureSpeed(...args),
  startServer: async (...args) => (await import('@lowbit/server')).startServer(...args),
};

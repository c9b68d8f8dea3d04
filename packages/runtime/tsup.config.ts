import { defineConfig } from 'tsup';
import base from '../../tsup.config.ts';

/** Chat templates render in a process of their own: its script is a second entry, a file beside the bundle. */
export default defineConfig({
  ...base,
  entry: { index: 'src/index.ts', 'chat-template-worker': 'src/text/chat-template-worker.js' },
  dts: { entry: { index: 'src/index.ts' } },
});

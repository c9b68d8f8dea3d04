import { copyFileSync, createReadStream, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { modelFiles, modelPath } from './src/shipped-model.ts';

const modelFolder = fileURLToPath(new URL('../models/dense-awq/', import.meta.url));

/** Shaders of a backend that is bundled from its sources. */
function shaders(): Plugin {
  return {
    name: 'shaders',
    transform: (code, id) => (id.endsWith('.wgsl') ? `export default ${JSON.stringify(code)}` : undefined),
  };
}

/** The model of the repository's examples, beside the page. */
function shippedModel(): Plugin {
  return {
    name: 'shipped-model',
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const name = modelFiles.find((file) => request.url === `/${modelPath}${file}`);
        if (name === undefined) return next();
        const { size, mtimeMs } = statSync(modelFolder + name);
        const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
        const [start, end] = from === undefined ? [0, size - 1] : [Number(from), Math.min(Number(to), size - 1)];
        response.writeHead(from === undefined ? 200 : 206, {
          ETag: `"${size}-${mtimeMs}"`,
          'Content-Length': end + 1 - start,
          ...(from === undefined ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` }),
        });
        if (request.method === 'HEAD') response.end();
        else createReadStream(modelFolder + name, { start, end }).pipe(response);
      });
    },
    // Copied, not emitted: Vite would rewrite the JSON.
    writeBundle({ dir = 'dist' }) {
      mkdirSync(join(dir, modelPath), { recursive: true });
      for (const name of modelFiles) copyFileSync(modelFolder + name, join(dir, modelPath, name));
    },
  };
}

/** A service worker that has the page's own files, so that it opens offline. The model is kept by @lowbit/browser. */
function offlinePage(): Plugin {
  return {
    name: 'offline-page',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const files = Object.keys(bundle).filter((name) => !name.endsWith('.map'));
        const template = readFileSync(new URL('./src/service-worker.js', import.meta.url), 'utf8');
        const source = template.replace(
          "['./']",
          JSON.stringify(['./', ...files.filter((name) => name !== 'index.html')]),
        );
        this.emitFile({ type: 'asset', fileName: 'service-worker.js', source });
      },
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [shaders(), shippedModel(), offlinePage()],
  worker: { format: 'es', plugins: () => [shaders()] },
  resolve: { conditions: ['@lowbit/source', 'browser', 'module', 'import', 'default'] },
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 600 },
});

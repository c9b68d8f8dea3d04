import { createRequire } from 'node:module';
try {
  createRequire(import.meta.url)('./library.node');
} catch {}

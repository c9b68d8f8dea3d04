import { readFileSync } from 'node:fs'; readFileSync(new URL(import.meta.url));

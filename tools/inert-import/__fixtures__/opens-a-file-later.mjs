import { open } from 'node:fs/promises'; const file = await open(new URL(import.meta.url)); await file.close();

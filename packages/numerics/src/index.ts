import { x } from '@lowbit/core'; export const y: typeof x = x;

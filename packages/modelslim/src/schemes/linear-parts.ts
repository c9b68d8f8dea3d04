import type { LinearDescription } from '@lowbit/core';

/** What tells one type from another; names, the bias and the rest are the same for all. */
export type LinearParts = Pick<LinearDescription, 'weight' | 'activations' | 'integer' | 'decoding'>;

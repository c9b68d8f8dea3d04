import type { Explanation, FinishReason, ModelInfo } from '@lowbit/runtime';

/** What the page asks of the worker that has the model. */
export type Request =
  | { readonly kind: 'load'; readonly url: string; readonly files: readonly string[]; readonly device: string | null }
  | { readonly kind: 'write'; readonly prompt: string; readonly temperature: number; readonly maxTokens: number }
  /** Ends what is going on, loading or writing. */
  | { readonly kind: 'stop' };

/** What the worker tells the page. */
export type Report =
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'explained'; readonly explanation: Explanation }
  | { readonly kind: 'progress'; readonly stage: 'download' | 'weights'; readonly done: number; readonly total: number }
  /** One number from 0 to 15 per cell: a 4-bit code in that part of the weights. */
  | { readonly kind: 'mosaic'; readonly codes: Uint8Array }
  | { readonly kind: 'ready'; readonly info: ModelInfo; readonly fromStore: boolean; readonly seconds: number }
  | { readonly kind: 'text'; readonly text: string; readonly tokens: number; readonly seconds: number }
  | {
      readonly kind: 'written';
      readonly finish: FinishReason['kind'];
      readonly tokens: number;
      readonly seconds: number;
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly during: 'load' | 'write'; readonly message: string };

/** Columns and rows of the picture of the weights. */
export const mosaicSize = { columns: 96, rows: 16 } as const;

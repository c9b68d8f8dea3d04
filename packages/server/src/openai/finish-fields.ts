import type { FinishReason } from '@lowbit/runtime';

/** How a choice ended; nulls while it goes on. `matched_stop`, the token id or string, is an addition to OpenAI's. */
export function finishFields(finish: FinishReason | undefined): {
  finish_reason: FinishReason['kind'] | null;
  matched_stop: number | string | null;
} {
  return { finish_reason: finish?.kind ?? null, matched_stop: finish?.kind === 'stop' ? finish.matched : null };
}

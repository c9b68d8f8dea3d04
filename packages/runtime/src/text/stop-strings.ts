/** Looks for stop strings in a text that comes in pieces. */
export interface StopMatcher {
  /** Text that may go out, and the stop string that was found, if any: nothing may be pushed after it. */
  push(piece: string): { readonly text: string; readonly matched?: string | undefined };
  /** What was held back as the possible beginning of a stop string. */
  finish(): string;
}

/**
 * Finds the stop string that is complete first, and of those that end at the same place the longest: what a reader of single
 * characters finds, whatever the pieces are. The text goes up to the stop string, and past it with `keepStop`.
 * @param stop none of them empty
 */
export function createStopMatcher(stop: readonly string[], keepStop: boolean): StopMatcher {
  const longest = stop.reduce((length, text) => Math.max(length, text.length), 0);
  let held = '';

  function findFirst(text: string): { start: number; end: number; matched: string } | undefined {
    let first: { start: number; end: number; matched: string } | undefined;
    for (const matched of stop) {
      const start = text.indexOf(matched);
      const end = start + matched.length;
      if (start >= 0 && (!first || end < first.end || (end === first.end && start < first.start))) {
        first = { start, end, matched };
      }
    }
    return first;
  }

  /** Length of the longest end of a text that a stop string begins with. */
  function countHeld(text: string): number {
    for (let length = Math.min(longest - 1, text.length); length > 0; length--) {
      const end = text.slice(-length);
      if (stop.some((one) => one.startsWith(end))) return length;
    }
    return 0;
  }

  return {
    push(piece) {
      const text = held + piece;
      const found = findFirst(text);
      if (found) {
        held = '';
        return { text: text.slice(0, keepStop ? found.end : found.start), matched: found.matched };
      }
      const free = text.length - countHeld(text);
      held = text.slice(free);
      return { text: text.slice(0, free) };
    },
    finish() {
      const rest = held;
      held = '';
      return rest;
    },
  };
}

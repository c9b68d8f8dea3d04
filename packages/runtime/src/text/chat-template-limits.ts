/** Bounds of a chat template: it is code from whoever made the checkpoint. Real ones stay far below the defaults. */
export interface ChatTemplateLimits {
  /** Longest template, in UTF-16 units. Default 1 Mi. */
  readonly templateCharacters: number;
  /** Longest text anywhere in a render, the prompt included, in UTF-16 units. Default 8 Mi. */
  readonly outputCharacters: number;
  /** Longest list, `range` included. Default 100,000. */
  readonly listLength: number;
  /** Default 5000. */
  readonly milliseconds: number;
  /** JavaScript heap of the process that renders; a browser's worker has no such bound. Default 256. */
  readonly heapMegabytes: number;
}

export const defaultChatTemplateLimits: ChatTemplateLimits = {
  templateCharacters: 2 ** 20,
  outputCharacters: 2 ** 23,
  listLength: 100_000,
  milliseconds: 5000,
  heapMegabytes: 256,
};

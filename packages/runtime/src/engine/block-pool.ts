/** Hands out the blocks of a paged KV cache. Blocks are numbers; what they hold is the backend's business. */
export interface BlockPool {
  readonly blockSize: number;
  readonly total: number;
  readonly free: number;
  /** Grows `blocks` until it can hold `tokens` tokens; false, and unchanged, where too few blocks are free. */
  grow(blocks: number[], tokens: number): boolean;
  /** Takes all blocks back and empties the list. */
  release(blocks: number[]): void;
}

export function createBlockPool(total: number, blockSize: number): BlockPool {
  // A stack: the block freed last is the warmest.
  const freeBlocks = Array.from({ length: total }, (_, index) => total - 1 - index);
  return {
    blockSize,
    total,
    get free() {
      return freeBlocks.length;
    },
    grow(blocks, tokens) {
      const missing = Math.ceil(tokens / blockSize) - blocks.length;
      if (missing > freeBlocks.length) return false;
      for (let count = 0; count < missing; count++) blocks.push(freeBlocks.pop()!);
      return true;
    },
    release(blocks) {
      freeBlocks.push(...blocks.splice(0));
    },
  };
}

/** Keeps what was downloaded, as small files by path: names joined by `/`. */
export interface Store {
  /** Bytes of a file; undefined where there is none. */
  size(path: string): Promise<number | undefined>;
  /** Bytes `start` up to `end`, fewer where the file ends before; undefined where there is none. */
  read(path: string, start?: number, end?: number): Promise<Uint8Array | undefined>;
  /**
   * Replaces a whole file.
   * @throws LowbitError STORE_FULL
   */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file, or a folder with everything in it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /**
   * Does the work while nobody else does work of this name, other tabs included. Absent: nobody else has the store.
   * @param signal ends the waiting
   */
  exclusively?<Result>(name: string, work: () => Promise<Result>, signal?: AbortSignal): Promise<Result>;
}

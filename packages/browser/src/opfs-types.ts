/** As much of the File System API as is used here: the project is typed for Node, which does not have it. */
export interface StorageManager {
  getDirectory?(): Promise<Directory>;
}

export interface Locks {
  request<Result>(
    name: string,
    options: { readonly mode?: 'exclusive' | 'shared'; readonly signal?: AbortSignal },
    work: () => Promise<Result>,
  ): Promise<Result>;
}

export interface Directory {
  getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<Directory>;
  getFileHandle(name: string, options?: { readonly create: boolean }): Promise<FileHandle>;
  removeEntry(name: string, options: { readonly recursive: boolean }): Promise<void>;
}

export interface FileHandle {
  getFile(): Promise<Blob>;
  createWritable(): Promise<{ write(bytes: Uint8Array): Promise<void>; close(): Promise<void> }>;
  /** Only in workers. */
  createSyncAccessHandle?(): Promise<SyncAccessHandle>;
}

interface SyncAccessHandle {
  truncate(size: number): void;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  flush(): void;
  close(): void;
}

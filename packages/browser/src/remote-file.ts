/** A file on a server, as its listing or its headers describe it. */
export interface RemoteFile {
  readonly name: string;
  readonly url: string;
  /** Absent where the server does not say, or says it of a compressed form. */
  readonly size?: number;
  /** Changes with the content: two files of one name and one version are the same. */
  readonly version: string;
  /** The `ETag` that every answer for this version carries, where the server lets the page see it. */
  readonly etag?: string;
  /** SHA-256 of the content in hexadecimal, where it is known. */
  readonly sha256?: string;
}

/** Files that are read in ranges; all others are small and come as a whole. */
export const rangedEnding = '.safetensors';

/** How to ask. */
export interface HttpAccess {
  readonly fetch: typeof globalThis.fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds before the second try. */
  readonly pause: number;
}

/** Without the quotes and the mark of weak comparison: two servers of one farm differ in that. */
export function readEtag(headers: Headers): string | undefined {
  return bareTag(headers.get('etag'));
}

/** Hugging Face names the SHA-256 of a large file in `X-Linked-ETag`; some servers use it as the `ETag`. */
export function readSha256(headers: Headers): string | undefined {
  const tags = [headers.get('x-linked-etag'), headers.get('etag')].map(bareTag);
  return tags.find((tag) => tag !== undefined && /^[0-9a-f]{64}$/.test(tag));
}

function bareTag(tag: string | null): string | undefined {
  const bare = tag?.trim().replace(/^W\//, '').replace(/^"|"$/g, '');
  return bare === '' ? undefined : bare;
}

import { HttpError } from './http-error.ts';
import { type HttpAccess, type RemoteFile, readEtag } from './remote-file.ts';
import { BrokenOff, request, statusError } from './request.ts';

/**
 * Bytes `start` up to `end` of a file, all of them, by one range request.
 * @param onBytes called with the number of bytes that have come so far; starts again at 0 when a try broke off
 * @throws HttpError
 */
export function fetchRange(
  file: RemoteFile,
  start: number,
  end: number,
  access: HttpAccess,
  onBytes: (count: number) => void = () => {},
): Promise<Uint8Array> {
  const range = `bytes ${start} to ${end - 1}`;
  return request(file.url, access, { headers: { Range: `bytes=${start}-${end - 1}` } }, async (response) => {
    if (response.status === 200) {
      await response.body?.cancel();
      throw new HttpError({
        code: 'HTTP_STATUS',
        url: file.url,
        expected: `status 206 and ${range} alone`,
        actual: 'status 200 and the whole file',
        remedy: 'The server knows no ranges (Python’s http.server is one such): use one that does.',
      });
    }
    if (response.status === 416) throw changed(file, `${range}`, 'a file that is shorter');
    if (response.status !== 206) throw statusError(file.url, response);
    checkVersion(file, response.headers);
    checkContentRange(file, response.headers, start, end);
    const bytes = await readBody(response, { url: file.url, size: end - start, what: range, onBytes });
    return bytes;
  });
}

/**
 * A file as a whole, for those of a few megabytes.
 * @throws HttpError
 */
export function fetchWhole(file: RemoteFile, access: HttpAccess): Promise<Uint8Array> {
  return request(file.url, access, {}, async (response) => {
    if (response.status !== 200) throw statusError(file.url, response);
    rejectPage(file, response.headers);
    checkVersion(file, response.headers);
    if (file.size !== undefined) {
      return readBody(response, { url: file.url, size: file.size, what: 'the file', onBytes: () => {} });
    }
    return new Uint8Array(await response.arrayBuffer());
  });
}

/** Servers of single-page sites answer every unknown path with their page. */
export function isPage({ name }: Pick<RemoteFile, 'name'>, headers: Headers): boolean {
  return /^text\/html\b/i.test(headers.get('content-type') ?? '') && !/\.html?$/i.test(name);
}

export function rejectPage(file: Pick<RemoteFile, 'name' | 'url'>, headers: Headers): void {
  if (!isPage(file, headers)) return;
  throw new HttpError({
    code: 'HTTP_CONTENT',
    url: file.url,
    expected: file.name.endsWith('.json') ? 'JSON' : 'a file',
    actual: 'a web page (text/html)',
    remedy: 'Check the address: some servers answer with their page where there is no such file.',
  });
}

function checkVersion(file: RemoteFile, headers: Headers): void {
  const etag = readEtag(headers);
  if (file.etag === undefined || etag === undefined || etag === file.etag) return;
  throw changed(file, `ETag ${file.etag}, as when it was opened`, `ETag ${etag}`);
}

/** `Content-Range: bytes 0-99/1000`; pages of other origins may not see it. */
function checkContentRange(file: RemoteFile, headers: Headers, start: number, end: number): void {
  const [text, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
  if (text === undefined) return;
  if (size !== '*' && file.size !== undefined && Number(size) !== file.size) {
    throw changed(file, `${file.size} bytes, as when it was opened`, `${size} bytes`);
  }
  if (Number(from) === start && Number(to) === end - 1) return;
  throw new HttpError({
    code: 'HTTP_CONTENT',
    url: file.url,
    expected: `bytes ${start} to ${end - 1}`,
    actual: `bytes ${from} to ${to}`,
    remedy: 'The server answers ranges wrongly: use another one.',
  });
}

function changed({ url }: RemoteFile, expected: string, actual: string): HttpError {
  const remedy = 'The file changed on the server while it was being read: load the page again.';
  return new HttpError({ code: 'HTTP_CHANGED', url, expected, actual, remedy });
}

interface Body {
  readonly url: string;
  readonly size: number;
  readonly what: string;
  readonly onBytes: (count: number) => void;
}

/** Into one array of the size that is due; more is never held. */
async function readBody(response: Response, { url, size, what, onBytes }: Body): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  onBytes(0);
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done) break;
    if (filled + part.value.length > size) {
      await reader?.cancel();
      const actual = `${filled + part.value.length} bytes or more`;
      throw new HttpError({ code: 'HTTP_CONTENT', url, expected: `${what}, ${size} bytes`, actual });
    }
    bytes.set(part.value, filled);
    filled += part.value.length;
    onBytes(filled);
  }
  if (filled === size) return bytes;
  const remedy = 'The connection broke off again and again: try again, what came so far is kept.';
  const options = { url, expected: `${what}, ${size} bytes`, actual: `${filled} bytes`, remedy };
  throw new BrokenOff(new HttpError({ code: 'HTTP_CONTENT', ...options }));
}

import type { Registry } from '@lowbit/core';
import { isPage, rejectPage } from './fetch-bytes.ts';
import { HttpError } from './http-error.ts';
import { type HttpAccess, type RemoteFile, rangedEnding, readEtag, readSha256 } from './remote-file.ts';
import { request, statusError } from './request.ts';

const required = 'config.json';

const usual = [
  required,
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'model.safetensors.index.json',
  'model.safetensors',
] as const;

/**
 * Names to ask a plain server for, which has no listing: those of every checkpoint, and the side files of the registry's
 * methods; of a name with `*`, the one without.
 */
export function usualNames(registry: Registry | undefined): readonly string[] {
  const sideFiles = (registry?.methods ?? []).flatMap(({ match, configFiles }) => [
    ...(match.files ?? []).map(({ name }) => name),
    ...(configFiles ?? []),
  ]);
  return [...new Set([...usual, ...sideFiles.map((name) => name.replaceAll('*', ''))])];
}

/**
 * Asks for each name; leaves out those that are not there.
 * @param wanted names without which there is no use in going on
 * @throws HttpError
 */
export async function askForFiles(
  base: string,
  names: readonly string[],
  wanted: readonly string[],
  access: HttpAccess,
): Promise<readonly RemoteFile[]> {
  const asked = await Promise.all(names.map((name) => ask(base, name, [required, ...wanted].includes(name), access)));
  return asked.filter((file) => file !== undefined);
}

function ask(base: string, name: string, isRequired: boolean, access: HttpAccess): Promise<RemoteFile | undefined> {
  const url = new URL(encodeURIComponent(name), base).href;
  return request(url, access, { method: 'HEAD' }, async (response) => {
    const { status, headers } = response;
    const missing = status === 404 || status === 410 || isPage({ name }, headers);
    if (missing && !isRequired) return undefined;
    rejectPage({ name, url }, headers);
    if (status !== 200) throw statusError(url, response);
    return describe(name, url, headers);
  });
}

function describe(name: string, url: string, headers: Headers): RemoteFile {
  const length = headers.get('content-length');
  const isRanged = name.endsWith(rangedEnding);
  if (isRanged && (length === null || headers.has('content-encoding'))) {
    throw new HttpError({
      code: 'HTTP_CONTENT',
      url,
      expected: 'a Content-Length, and no Content-Encoding',
      actual: length === null ? 'no Content-Length' : `Content-Encoding ${headers.get('content-encoding')}`,
      remedy: 'Let the server send safetensors files as they are.',
    });
  }
  const etag = readEtag(headers);
  const sha256 = readSha256(headers);
  const version = sha256 ?? etag ?? headers.get('last-modified') ?? `${length ?? 'some'} bytes`;
  return {
    name,
    url,
    version,
    // Text may come compressed, and pages of other origins do not see that: the length is then of something else.
    ...(isRanged ? { size: Number(length) } : {}),
    ...(etag === undefined ? {} : { etag }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

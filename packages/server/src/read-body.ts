import { isJsonObject, type JsonObject } from '@lowbit/core';
import { RequestError } from './errors.ts';

/**
 * Reads a request's body as a JSON object. Insists on the JSON content type: browsers send other types across origins
 * without asking, so that any web page could use a server on the visitor's machine.
 * @throws RequestError 400 for another content type, broken JSON, no object or too deep a one; 413 over `maxBytes`
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<JsonObject> {
  const contentType = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new RequestError({
      message: `expected content type application/json, found ${contentType === '' ? 'none' : JSON.stringify(contentType)}`,
      remedy: 'Send the header Content-Type: application/json',
    });
  }
  const text = await readText(request, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RequestError({ message: `the body is not valid JSON: ${(error as Error).message}` });
  }
  if (!isJsonObject(value)) {
    throw new RequestError({ message: `the body must be a JSON object, found ${kindOf(value)}` });
  }
  if (!isShallow(value)) throw new RequestError({ message: `the body is nested deeper than ${maxDepth} levels` });
  return value;
}

/** Parsing takes any depth, but much of what follows recurses. */
const maxDepth = 64;

function isShallow(root: object): boolean {
  let level: object[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return false;
    const next: object[] = [];
    for (const parent of level) {
      for (const child of Array.isArray(parent) ? parent : Object.values(parent)) {
        if (typeof child === 'object' && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return true;
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError({ message: `the body cannot be read: ${(error as Error).message}` });
  }
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError({ status: 413, message: `the body is larger than ${maxBytes} bytes` });
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

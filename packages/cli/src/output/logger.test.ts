import { PassThrough } from 'node:stream';
import { LowbitError } from '@lowbit/core';
import { describe, expect, it } from 'vitest';
import { createLogger, type LogLevel } from './logger.ts';

function logged(level: LogLevel): string {
  const stream = new PassThrough();
  const logger = createLogger(stream, level, () => new Date(0));
  logger.info({ path: '/generate', status: 200 }, 'request');
  logger.warn({ agent: 'a b\x1b' }, 'slow');
  logger.error({ error: new LowbitError({ code: 'X', message: 'gone' }) }, 'failed');
  return stream.read()?.toString() ?? '';
}

describe('createLogger', () => {
  it('writes one line per event, from its level on', () => {
    const info = '1970-01-01T00:00:00.000Z info request path=/generate status=200\n';
    const warning = '1970-01-01T00:00:00.000Z warning slow agent="a b\\u001b"\n';
    const error = '1970-01-01T00:00:00.000Z error failed error="gone"\n';
    expect(logged('debug')).toBe(info + warning + error);
    expect(logged('info')).toBe(info + warning + error);
    expect(logged('warning')).toBe(warning + error);
    expect(logged('error')).toBe(error);
    expect(logged('critical')).toBe('');
  });

  it('says where an unforeseen error happened', () => {
    const stream = new PassThrough();
    createLogger(stream, 'info').error({ err: new TypeError('x') }, 'failed');
    expect(stream.read().toString()).toMatch(/ error failed err="TypeError: x\\n .*logger\.test\.ts.*"\n$/);
  });
});

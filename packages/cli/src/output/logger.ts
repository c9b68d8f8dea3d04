import { LowbitError } from '@lowbit/core';
import type { Logger } from '@lowbit/server';
import type { OutputStream } from '../io.ts';
import { printable } from './printable.ts';

/** From talkative to silent, as Python names them. `critical` logs nothing: what ends the server is an error message. */
export const logLevels = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type LogLevel = (typeof logLevels)[number];

/** One line per event: time, level, message, fields as `name=value`. */
export function createLogger(stream: OutputStream, level: LogLevel, now: () => Date = () => new Date()): Logger {
  function write(eventLevel: LogLevel, fields: object, message: string): void {
    if (logLevels.indexOf(eventLevel) < logLevels.indexOf(level)) return;
    const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${formatField(value)}`);
    stream.write(`${printable(`${now().toISOString()} ${eventLevel} ${message}${pairs.join('')}`)}\n`);
  }
  return {
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warning', fields, message),
    error: (fields, message) => write('error', fields, message),
  };
}

function formatField(value: unknown): string {
  // What lowbit throws on purpose explains itself; anything else needs its place.
  if (value instanceof Error) return JSON.stringify(LowbitError.isInstance(value) ? value.message : value.stack);
  return typeof value === 'string' && /^[\w./:-]+$/.test(value) ? value : (JSON.stringify(value) ?? 'undefined');
}

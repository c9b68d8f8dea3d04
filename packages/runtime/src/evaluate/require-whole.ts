import { LowbitError } from '@lowbit/core';

/** @throws LowbitError with this code for anything but a whole number from `from` to `to` */
export function requireWhole(code: string, name: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return;
  throw new LowbitError({ code, message: `${name}: expected a whole number from ${from} to ${to}, found ${value}` });
}

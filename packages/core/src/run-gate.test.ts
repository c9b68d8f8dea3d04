import { expect, it } from 'vitest';
import { createRunGate } from './run-gate.ts';

const closed = { code: 'BATCH', message: 'batch: the executable is closed' };

it('lets one call in at a time, and the next one after a call that failed', async () => {
  const gate = createRunGate();
  let finish = () => {};
  const first = gate.alone(
    () =>
      new Promise<number>((resolve) => {
        finish = () => resolve(1);
      }),
  );
  const running = { code: 'BATCH', message: 'batch: the executable is running' };
  await expect(gate.alone(async () => 2)).rejects.toMatchObject(running);
  finish();
  expect(await first).toBe(1);
  await expect(gate.alone(() => Promise.reject(new Error('wrong')))).rejects.toThrow('wrong');
  expect(await gate.alone(async () => 3)).toBe(3);
});

it.each([
  ['succeeds', async () => 1],
  ['fails', () => Promise.reject(new Error('torn down'))],
])('says that it was closed during a call, which then %s', async (_, end) => {
  const gate = createRunGate();
  const call = gate.alone(async () => {
    gate.close();
    expect(gate.closed).toBe(true);
    return end();
  });
  await expect(call).rejects.toMatchObject(closed);
  await expect(gate.alone(async () => 2)).rejects.toMatchObject(closed);
});

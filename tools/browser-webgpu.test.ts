import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runInChromium } from './browser-tests/run-in-chromium.ts';
import { root } from './workspace.ts';

const results = await runInChromium(join(root, 'kernels-gpu/webgpu/src/webgpu.conformance.test.ts'));

/** The suites that every backend must pass, in the worker of a page, on the browser's own WebGPU (an adapter in software). */
describe('in Chromium', () => {
  if (typeof results === 'string') {
    it.skip(`(skipped: ${results})`, () => {});
    return;
  }
  it('there is an adapter', () => {
    const withoutDevice = results.filter(({ state, detail }) => state === 'skipped' && detail.startsWith('software: '));
    expect(withoutDevice).toEqual([]);
    expect(results.filter(({ state }) => state === 'passed')).not.toEqual([]);
  });
  for (const { name, state, detail } of results) {
    it(name, (context) => {
      if (state === 'skipped') return context.skip(detail);
      expect(detail).toBe('');
      expect(state).toBe('passed');
    });
  }
});

import { basename, join } from 'node:path';
import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { explainModel, type VerifyReport, verifyModel } from '@lowbit/runtime';
import { describe, expect, it } from 'vitest';
import { summarizeExplanation } from './explanation-summary.ts';
import { goodReasons } from './good-reasons.ts';
import { methodPackages } from './method-packages.ts';
import { root } from './workspace.ts';

const packages = await methodPackages();
const methods = packages.map(({ method }) => method);
const registry = createRegistry({ methods, backends: [reference] });

const reports = new Map<string, Promise<VerifyReport>>();
function verify(fixture: string): Promise<VerifyReport> {
  const report =
    reports.get(fixture) ?? verifyModel(fixture, { registry, against: join(fixture, 'golden.safetensors') });
  reports.set(fixture, report);
  return report;
}

describe.each(packages)('$name', ({ name, method, fixtures }) => {
  it('has fixtures', () => {
    expect(fixtures).not.toEqual([]);
  });

  describe.each(fixtures.map((fixture) => ({ fixture, label: basename(fixture) })))('$label', ({ fixture }) => {
    it('gives the numbers that its library recorded', async () => {
      const { records } = await verify(fixture);
      const wrong = records.filter(
        ({ status, rule }) =>
          status === 'failed' || (status === 'unchecked' && !goodReasons.some((reason) => reason.test(rule))),
      );
      expect(wrong).toEqual([]);
      expect(records.filter(({ status }) => status === 'passed')).not.toEqual([]);
    });

    it('names its package where that is not installed', async () => {
      const others = createRegistry({ methods: methods.filter((other) => other !== method), backends: [reference] });
      await expect(explainModel(fixture, { registry: others })).rejects.toThrow(`npm install ${name} `);
    });
  });

  it('is explained as before, with the records that go unchecked (vitest -u brings it up to date)', async () => {
    const sections: string[] = [];
    for (const fixture of fixtures) {
      const explanation = await explainModel(fixture, { registry });
      const { records } = await verify(fixture);
      const unchecked = records.filter(({ status }) => status === 'unchecked');
      const lines = [
        ...summarizeExplanation(explanation),
        ...unchecked.map(({ record, rule }) => `unchecked: ${record}, ${rule}`),
      ];
      sections.push(`${basename(fixture)}\n${lines.map((line) => `  ${line}\n`).join('')}`);
    }
    await expect(sections.join('\n')).toMatchFileSnapshot(join(root, `tools/__snapshots__/${method.name}.txt`));
  });
});

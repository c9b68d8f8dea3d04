/**
 * What stands in for `vitest` in a bundle for a browser: its own runner and its own `expect`, without the parts that need
 * Node or a server.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  customMatchers,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import { getCurrentTest, startTests, type Task, type VitestRunner } from '@vitest/runner';
import type { TestResult } from './test-result.ts';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, onTestFinished, test } from '@vitest/runner';

export const expect = createExpect();

function createExpect() {
  for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
  // Assertions know their test, so that promises which nobody awaits fail it.
  const created = ((value: unknown, message?: string) => {
    const assertion = chai.expect(value, message);
    chai.util.flag(assertion, 'vitest-test', getCurrentTest());
    return assertion;
  }) as typeof chai.expect;
  const global = globalThis as unknown as Record<symbol, object>;
  Object.assign(created, chai.expect, global[ASYMMETRIC_MATCHERS_OBJECT]);
  setState({ assertionCalls: 0, isExpectingAssertions: false }, created as never);
  global[GLOBAL_EXPECT] = created;
  (chai.expect as unknown as { extend(to: object, matchers: object): void }).extend(created, customMatchers);
  return created;
}

/** Runs the tests that `load` registers, one after the other. */
export async function runTests(load: () => Promise<unknown>, testTimeout: number): Promise<readonly TestResult[]> {
  const runner: VitestRunner = {
    config: {
      root: '/',
      name: undefined,
      setupFiles: [],
      passWithNoTests: false,
      testNamePattern: undefined,
      allowOnly: false,
      sequence: { seed: 0, hooks: 'stack', setupFiles: 'list' },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout,
      hookTimeout: testTimeout,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: load,
  };
  const files = await startTests(['/tests'], runner);
  return files.flatMap((file) => [...failureOf(file), ...file.tasks.flatMap(resultsOf)]);
}

function resultsOf(task: Task): readonly TestResult[] {
  if (task.type === 'suite') return [...failureOf(task), ...task.tasks.flatMap(resultsOf)];
  const { state, duration = 0 } = task.result ?? {};
  const name = namesOf(task).join(' > ');
  if (state === 'pass') return [{ name, state: 'passed', detail: '', duration }];
  if (state === 'fail') return [{ name, state: 'failed', detail: errorsOf(task), duration }];
  return [{ name, state: 'skipped', detail: noteOf(task), duration }];
}

/** Of a file or suite that failed outside its tests. */
function failureOf(task: Task): readonly TestResult[] {
  if (!task.result?.errors?.length) return [];
  return [{ name: namesOf(task).join(' > '), state: 'failed', detail: errorsOf(task), duration: 0 }];
}

/** The reason that a skipped test gave. */
function noteOf({ result }: Task): string {
  return (result as { readonly note?: string } | undefined)?.note ?? 'for no stated reason';
}

function namesOf(task: Task): readonly string[] {
  return task.suite ? [...namesOf(task.suite), task.name] : [task.name];
}

function errorsOf(task: Task): string {
  return (task.result?.errors ?? []).map(({ message, stack }) => `${message}\n${stack ?? ''}`).join('\n');
}

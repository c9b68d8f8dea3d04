import { isDeepStrictEqual } from 'node:util';
import type { QuantizationMethod } from '@lowbit/core';

/** Where a method does not keep the shape of the contract, or differs from its manifest. */
export function contractProblems(method: QuantizationMethod, manifest: unknown): readonly string[] {
  const { specificationVersion, name, match, configFiles, parseConfig } = method;
  const problems: string[] = [];
  const expectThat = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  expectThat(
    specificationVersion === 'v1',
    `specificationVersion is ${JSON.stringify(specificationVersion)}, not "v1"`,
  );
  expectThat(/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name), `name ${JSON.stringify(name)} is not lower case with dashes`);
  expectThat(typeof parseConfig === 'function', 'parseConfig is no function');
  const found = [...(match.quantMethod ?? []), ...(match.files ?? [])];
  expectThat(found.length > 0, 'match matches nothing: no quantMethod and no files');
  const greedy = (match.files ?? []).filter(({ keys }) => keys.length === 0).map((file) => file.name);
  expectThat(greedy.length === 0, `match takes any ${greedy.join(', ')}: give the keys that tell it apart`);
  const announced = { method: name, match, ...(configFiles ? { configFiles } : {}) };
  expectThat(
    isDeepStrictEqual(JSON.parse(JSON.stringify(announced)), manifest),
    `the manifest's lowbit field is not ${JSON.stringify(announced)}`,
  );
  return problems;
}

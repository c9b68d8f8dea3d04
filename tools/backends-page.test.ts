import { basename, join } from 'node:path';
import { createRegistry, type LinearDescription } from '@lowbit/core';
import { explainModel } from '@lowbit/runtime';
import { expect, it } from 'vitest';
import { ask, type BackendPackage, backendPackages } from './backends-page/backend-packages.ts';
import { descriptions } from './backends-page/prose.ts';
import * as questions from './backends-page/questions.ts';
import { methodPackages } from './method-packages.ts';
import { root } from './workspace.ts';

const packages = await backendPackages();
const methods = await methodPackages();

it('docs/backends.md says what the kernels answer (pnpm docs:backends brings it up to date)', async () => {
  const page = [
    introduction,
    ...packages.map(section),
    accepted,
    table('Weights of linears, experts and heads, by the type of their codes', questions.codesOfLinears),
    table('Tables of embeddings', questions.codesOfEmbeddings),
    table('Scales, zero points, groups', questions.tablesOfWeights),
    table('Activations quantized as the checkpoint says (numerics `faithful` and `fast`)', questions.activationRules),
    table('Integer execution with constants of the checkpoint', questions.integerExecutions),
    table('KV caches', questions.kvCaches),
    await checkpoints(),
    approximations(),
  ].join('\n');
  await expect(page).toMatchFileSnapshot(join(root, 'docs/backends.md'));
});

it('each backend package is described, and nothing else', () => {
  expect(Object.keys(descriptions).sort()).toEqual(packages.map(({ name }) => name).sort());
});

const introduction = `# Backends

Where models run: what each backend needs, how to install it, what it accepts, how it is tested, and where it has never run.
\`lowbit doctor\` says which of them work on a machine, and why the others do not; \`--device\` chooses one ([how](../packages/cli/README.md#common-to-all-commands)).
How fast they are: [performance.md](performance.md).
`;

const accepted = `## What they accept

Made by asking the kernels, as \`lowbit explain\` does: each answers from the description of a module alone, before a weight is read. Where a backend says "no",
the next one of the kind of device is tried (\`--device cpu\`: native, then reference, which is said); without one it is an error with that text.
`;

function section({ name, folder, backends }: BackendPackage): string {
  const title = backends.map((one) => `\`${one}\``).join(' and ');
  return `## ${title}\n\nPackage [\`${name}\`](../${folder}/README.md). ${descriptions[name]}\n`;
}

/** One row for all questions that every backend answers alike. */
function table(title: string, asked: readonly questions.Question[]): string {
  const rows = new Map<string, string[]>();
  for (const question of asked) {
    const answers = packages.map((one) => {
      const answer = ask(one, question);
      return 'reason' in answer ? `no: ${answer.reason}` : 'yes';
    });
    const key = cells(...answers);
    rows.set(key, [...(rows.get(key) ?? []), question.name]);
  }
  return tableOf(
    title,
    [...rows].map(([answers, names]) => `${cells(names.join('; '))} ${answers.slice(2)}`),
  );
}

/** What every linear kernel leaves out where it may approximate. */
function approximations(): string {
  const rows = questions.approximated.map((question) => {
    const notes = packages.map((one) => {
      const answer = ask(one, question);
      if ('reason' in answer) return `no: ${answer.reason}`;
      const kernel = answer.kernel as {
        approximation?(description: LinearDescription, numerics: 'fast'): string | undefined;
      };
      return kernel.approximation?.(question.description as LinearDescription, 'fast') ?? 'nothing';
    });
    return cells(question.name, ...notes);
  });
  const title = 'What numerics `fast` approximate, where the checkpoint leaves activations alone';
  return tableOf(title, rows);
}

/** How many of the methods' own checkpoints have a kernel for every module. */
async function checkpoints(): Promise<string> {
  const rows: string[] = [];
  for (const { method, fixtures } of methods) {
    const answers = await Promise.all(packages.map((one) => countAccepted(one, fixtures)));
    rows.push(cells(method.name, ...answers));
  }
  return tableOf("The formats' own checkpoints, every module of them, `exact` and `faithful`", rows);
}

async function countAccepted({ backend }: BackendPackage, fixtures: readonly string[]): Promise<string> {
  const device = { kind: backend.deviceKind, name: 'a device' };
  const registry = createRegistry({
    methods: methods.map(({ method }) => method),
    backends: [{ ...backend, probe: async () => ({ kind: 'ready', device }) }],
  });
  const refused = new Map<string, string>();
  for (const fixture of fixtures) {
    for (const numerics of ['exact', 'faithful'] as const) {
      await explainModel(fixture, { registry, device: backend.deviceKind, numerics }).catch((error: Error) =>
        refused.set(basename(fixture), error.message.replaceAll('\n', ' ')),
      );
    }
  }
  const reasons = [...refused].map(([fixture, reason]) => `; not ${fixture}: ${reason}`).join('');
  return `${fixtures.length - refused.size} of ${fixtures.length}${reasons}`;
}

function tableOf(title: string, rows: readonly string[]): string {
  const header = packages.map(({ backends }) => backends.map((one) => `\`${one}\``).join(', '));
  return [`### ${title}`, '', cells('', ...header), `|${'---|'.repeat(packages.length + 1)}`, ...rows, ''].join('\n');
}

function cells(...texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}

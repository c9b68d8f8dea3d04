import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { findModel, modelDefinitions } from '../packages/runtime/src/models/find-model.ts';
import type { ModelDefinition } from '../packages/runtime/src/models/model-definition.ts';
import { root } from './workspace.ts';

/** A checkpoint of this repository with the records of another implementation. */
interface Recorded {
  readonly folder: string;
  readonly definition: ModelDefinition;
  readonly modelType: string;
  readonly architecture: string;
}

const recorded = ['examples/models', 'packages', 'examples/plugins'].flatMap(recordedUnder);

it('docs/models.md says what the model definitions declare (pnpm docs:models brings it up to date)', async () => {
  const page = [introduction, ...modelDefinitions.map(row), '', howToAdd].join('\n');
  await expect(page).toMatchFileSnapshot(join(root, 'docs/models.md'));
});

it.each(modelDefinitions.map((definition) => [definition.modelTypes.join(', '), definition]))(
  '%s is proven by a checkpoint with records',
  (_, definition) => {
    expect(proofsOf(definition)).not.toEqual([]);
  },
);

const introduction = `# Models

The architectures that run, by \`model_type\` in \`config.json\`, each with the checkpoints in this repository whose recorded
logits, computed by another implementation, it reproduces in the tests. Any other \`model_type\` is refused by name.

| model type | classes | what sets it apart | proven by |
|---|---|---|---|`;

const howToAdd = `## How to add one

A model definition is one file in [\`packages/runtime/src/models\`](../packages/runtime/src/models): it reads \`config.json\` and writes the
model as a list of operations over named modules. [\`qwen3.ts\`](../packages/runtime/src/models/qwen3.ts) is a short one;
[\`decoder-program.ts\`](../packages/runtime/src/models/decoder-program.ts) holds what decoders have in common.

1. Write the file, with \`modelTypes\`, one line of \`about\` for this page, and \`program\`. Name modules as the checkpoint does. Tensors
   that no run needs are listed by \`unused\`, each with its reason; every other tensor must belong to a module.
2. Add it to the list in [\`find-model.ts\`](../packages/runtime/src/models/find-model.ts).
3. Make a micro checkpoint with recorded logits: [\`tools/make-model-fixtures/micro.py\`](../tools/make-model-fixtures/micro.py) does it with
   transformers. Its folder under \`packages/runtime/src/__fixtures__\` is found by the tests and by this page.
4. \`pnpm docs:models\`.

Formats and backends need no change. An operation that [\`program.ts\`](../packages/core/src/program.ts) does not have is added there, with a
decision record, to the reference backend and to the conformance suite in [\`testkit\`](../packages/testkit/src/backend); a backend that lacks it
refuses the model and says so.
`;

function row(definition: ModelDefinition): string {
  const proofs = proofsOf(definition);
  const classes = [...new Set(proofs.map(({ architecture }) => architecture))].sort();
  const types = definition.modelTypes.map((type) => `\`${type}\``).join(', ');
  return `| ${types} | ${classes.join(', ')} | ${definition.about} | ${proofs.map(link).join(', ')} |`;
}

/** Of each type the first few, by name; what stands beside other formats is in docs/formats.md. */
function proofsOf(definition: ModelDefinition): readonly Recorded[] {
  return definition.modelTypes.flatMap((type) =>
    recorded.filter((one) => one.definition === definition && one.modelType === type).slice(0, 3),
  );
}

function link({ folder }: Recorded): string {
  return `[${folder.split('/').slice(-2).join('/').replace('__fixtures__/', '')}](../${folder})`;
}

function recordedUnder(folder: string): readonly Recorded[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path).replaceAll('\\', '/'))
    .filter((path) => path.endsWith('/golden.safetensors') && !path.includes('/node_modules/'))
    .map(dirname)
    .filter((path) => existsSync(join(root, path, 'config.json')))
    .sort()
    .map(readRecorded);
}

function readRecorded(folder: string): Recorded {
  const config = JSON.parse(readFileSync(join(root, folder, 'config.json'), 'utf8')) as {
    readonly model_type: string;
    readonly architectures: readonly [string];
  };
  const [architecture] = config.architectures;
  return { folder, definition: findModel(config), modelType: config.model_type, architecture };
}

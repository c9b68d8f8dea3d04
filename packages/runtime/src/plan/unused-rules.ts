import type { ModelProgram, UnusedRule } from '@lowbit/core';

/** Tensors that checkpoints carry and no run needs, each with its reason. Everything else must belong to a module. */
export function unusedRules(program: ModelProgram): readonly UnusedRule[] {
  const tiedHeads = program.modules.flatMap((module) =>
    module.kind === 'linear' && module.tiedTo !== undefined ? [module] : [],
  );
  return [
    {
      reason: 'a table of RoPE frequencies, which config.json determines',
      matches: (name) => name.endsWith('.rotary_emb.inv_freq'),
    },
    ...tiedHeads.map((head) => ({
      reason: `a copy of ${head.tiedTo}.weight: config.json says tie_word_embeddings`,
      matches: (name: string) => name === `${head.name}.weight`,
    })),
  ];
}

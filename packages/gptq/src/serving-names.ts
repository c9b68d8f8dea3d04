import type { GptqSettings } from './gptq-settings.ts';

/** Names under which serving engines take just this checkpoint: each has its own conditions. Source: SGLang, vLLM. */
export function servingNames({ writtenBy, weights }: GptqSettings): readonly string[] {
  if (writtenBy === 'auto-round') return ['auto-round'];
  const { bits, groupSize, symmetric, descAct } = weights;
  const wide = bits.value === 4 || bits.value === 8;
  const marlin = wide && symmetric === true && [-1, 32, 64, 128].includes(groupSize.value);
  return [...(marlin ? ['gptq_marlin', 'marlin'] : []), ...(wide && !descAct ? ['moe_wna16'] : [])];
}

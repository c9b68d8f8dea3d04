import type { ModelPlan } from './plan-model.ts';

/** Said where an oracle runs a model because faster backends of its kind cannot, each with its reason. */
export function fallbackWarnings({ backend, backendRefusals }: ModelPlan): readonly string[] {
  if (!backend.oracle) return [];
  const name = `${backend.deviceKind}:${backend.name}`;
  return backendRefusals.map(({ by, message, hint }) => {
    const reason = `${message.replace(/\.$/, '')}.${hint === undefined ? '' : ` ${hint}`}`;
    return `${by} cannot run here, so that ${name} does, which is slow: ${reason}`;
  });
}

import { formatRefusal } from '@lowbit/core';
import type { Explanation, ModuleExplanation } from '@lowbit/runtime';

/** What `lowbit explain` says, less what depends on the machine: one line for modules that share all but their bytes. */
export function summarizeExplanation(explanation: Explanation): readonly string[] {
  const { method, aliases, settings, backend, modules, unused, warnings, bytes } = explanation;
  const groups = new Map<string, ModuleExplanation[]>();
  for (const module of modules) {
    const key = describeModule(module);
    groups.set(key, [...(groups.get(key) ?? []), module]);
  }
  return [
    `${method} ${JSON.stringify(settings)}`,
    ...(aliases.length > 0 ? [`also ${aliases.join(', ')}`] : []),
    backend,
    ...[...groups].map(([key, members]) => `${members.length} x ${key}`),
    ...countLines(unused.map(({ tensor, reason }) => `left aside: ${tensor.replace(/^.*\./, '')}, ${reason}`)),
    ...warnings.map((warning) => `warning: ${warning}`),
    `${bytes.stored} bytes stored, ${bytes.device} on the device, ${bytes.kvCachePerToken} of KV cache per token, ${bytes.workspacePerToken} per token of a batch`,
  ];
}

function describeModule({ kind, scheme, layout, kernel, refusals, approximation, rule }: ModuleExplanation): string {
  const lines = [
    `${kind} ${scheme}: ${layout}`,
    kernel,
    ...refusals.map((refusal) => `not ${formatRefusal(refusal)}`),
    approximation && `approximates: ${approximation}`,
    rule && `because ${rule}`,
  ];
  return lines.filter((line) => line !== undefined).join('; ');
}

/** Equal lines once, with how often. */
function countLines(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)].map((line) => `${lines.filter((other) => other === line).length} x ${line}`);
}

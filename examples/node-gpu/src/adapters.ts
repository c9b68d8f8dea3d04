/** Lists the adapters that WebGPU offers here, under the names that `--device` takes. */
import { formatRefusal } from '@lowbit/core';
import { type BackendProbe, probeBackends } from '@lowbit/runtime';
import { registry } from './registry.ts';

for (const { backend, result, devices = [] } of await probeBackends(registry)) {
  console.log(`${backend}: ${describeResult(result)}`);
  for (const { name, facts } of devices) {
    console.log(`  --device "${backend}:${name}"`);
    for (const [fact, value] of Object.entries(facts)) console.log(`    ${fact}: ${value}`);
  }
}

function describeResult(result: BackendProbe['result']): string {
  switch (result.kind) {
    case 'ready':
      return `ready, ${result.device.name}`;
    case 'unavailable':
      return `unavailable, ${formatRefusal(result.refusal)}`;
    case 'failed':
      return `failed, ${result.error.message}`;
  }
}

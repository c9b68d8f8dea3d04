import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** `--device webgpu:hardware:H100`, `--memory-limit <MiB>`, and a checkpoint folder; the example model without one. */
export function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { device: { type: 'string' }, 'memory-limit': { type: 'string' } },
  });
  const limit = values['memory-limit'];
  return {
    folder: positionals[0] ?? fileURLToPath(new URL('../../models/dense-awq', import.meta.url)),
    device: values.device,
    memoryLimit: limit === undefined ? undefined : Number(limit) * 2 ** 20,
  };
}

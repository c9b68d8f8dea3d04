import os from 'node:os';
import { formatRefusal, LowbitError, type Registry } from '@lowbit/core';
import type { BackendProbe, MissingPlugin } from '@lowbit/runtime';
import { Command } from 'commander';
import { addCommonOptions, addExamples, type CommonOptions } from '../options/common-options.ts';
import { type Diagnosis, formatDiagnosis } from '../output/diagnosis-text.ts';
import { createOutput } from '../output/output.ts';
import { discover } from '../plugins.ts';
import type { Session } from '../session.ts';
import { version } from '../version.ts';

export function doctorCommand(session: Session): Command {
  const command = new Command('doctor')
    .summary('what this machine offers')
    .description(
      'Shows the machine, each method, and each backend with the result of its probe and the devices that it can choose from; what is not installed, too. Exit code 1 where nothing can run a model.',
    )
    .action((options: CommonOptions) => doctor(session, options));
  addCommonOptions(command);
  return addExamples(command, ['lowbit doctor', 'lowbit doctor --json']);
}

async function doctor(session: Session, options: CommonOptions): Promise<void> {
  const output = createOutput(session, options);
  const { registry, warnings } = await discover(session);
  const probes = await session.runtime.probeBackends(registry);
  const missing = await session.runtime.missingPlugins(registry);
  const [cpu] = os.cpus();
  const diagnosis: Diagnosis = {
    version: version(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: { model: cpu?.model.trim() ?? 'unknown', threads: os.availableParallelism() },
    memory: { total: os.totalmem(), free: os.freemem() },
    methods: [...(await Promise.all(registry.methods.map(diagnoseMethod))), ...diagnoseMissing(missing, 'method')],
    backends: [...probes.map(diagnoseBackend), ...diagnoseMissing(missing, 'backend')],
    warnings,
  };
  if (options.json) output.json(diagnosis);
  else output.result(formatDiagnosis(diagnosis, output.paint));
  if (!diagnosis.backends.some(({ status }) => status === 'ready')) {
    throw new LowbitError({
      code: 'NO_BACKEND',
      message: `expected a backend that can run models here, found ${probes.length === 0 ? 'none installed' : 'none ready'}`,
      remedy: 'npm install @lowbit/kernels-cpu-reference runs anywhere.',
    });
  }
}

async function diagnoseMethod(method: Registry['methods'][number]): Promise<Diagnosis['methods'][number]> {
  const { name, from } = method;
  try {
    await method.load();
    return { name, from, status: 'ready' };
  } catch (error) {
    return { name, from, status: 'failed', reason: messageOf(error) };
  }
}

function diagnoseBackend({ backend, from, result, devices }: BackendProbe): Diagnosis['backends'][number] {
  const named = { name: backend, from, ...(devices ? { devices } : {}) };
  switch (result.kind) {
    case 'ready': {
      const { kind, name, memory } = result.device;
      return { ...named, status: 'ready', device: { kind, name, ...(memory === undefined ? {} : { memory }) } };
    }
    case 'unavailable':
      return { ...named, status: 'unavailable', reason: formatRefusal(result.refusal) };
    case 'failed':
      return { ...named, status: 'failed', reason: messageOf(result.error) };
  }
}

/** Plugins of lowbit's own that could be here. */
function diagnoseMissing(missing: readonly MissingPlugin[], kind: MissingPlugin['kind']) {
  return missing
    .filter((plugin) => plugin.kind === kind)
    .map(
      ({ name, package: from }) => ({ name, from, status: 'not installed', reason: `npm install ${from}` }) as const,
    );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

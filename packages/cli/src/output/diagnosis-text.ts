import type { Device, ListedDevice } from '@lowbit/core';
import { formatFactTable } from './fact-table.ts';
import { count, formatBytes } from './format.ts';
import { printable } from './printable.ts';
import type { Paint, Style } from './style.ts';
import { type Cell, formatTable } from './table.ts';

/** What `lowbit doctor` finds. */
export interface Diagnosis {
  readonly version: string;
  readonly node: string;
  /** `linux x64` */
  readonly platform: string;
  readonly cpu: { readonly model: string; readonly threads: number };
  /** Bytes. */
  readonly memory: { readonly total: number; readonly free: number };
  readonly methods: readonly {
    readonly name: string;
    /** The package it comes from. */
    readonly from: string;
    readonly status: 'ready' | 'failed' | 'not installed';
    readonly reason?: string;
  }[];
  readonly backends: readonly {
    readonly name: string;
    readonly from: string;
    readonly status: 'ready' | 'unavailable' | 'failed' | 'not installed';
    readonly device?: Pick<Device, 'kind' | 'name' | 'memory'>;
    readonly reason?: string;
    /** Those that it can choose from, where it tells. */
    readonly devices?: readonly ListedDevice[];
  }[];
  readonly warnings: readonly string[];
}

const styles: Readonly<Record<string, Style>> = { ready: 'green', unavailable: 'yellow', failed: 'red' };

export function formatDiagnosis(diagnosis: Diagnosis, paint: Paint): string {
  const { cpu, memory, methods, backends, warnings } = diagnosis;
  const machine = formatFactTable(
    [
      ['lowbit', diagnosis.version],
      ['node', `${diagnosis.node} on ${diagnosis.platform}`],
      ['cpu', `${cpu.model}, ${count(cpu.threads, 'thread')}`],
      ['memory', `${formatBytes(memory.total)}, ${formatBytes(memory.free)} free`],
      ...warnings.map((warning) => ['warning', warning] as const),
    ],
    paint,
  );
  const status = (text: string): Cell => ({ text, style: styles[text] ?? 'dim' });
  const methodTable = formatTable(
    [{ header: 'method' }, { header: 'status' }, { header: 'package' }, { header: 'reason' }],
    methods.map((method) => [method.name, status(method.status), method.from, method.reason ?? '']),
    { paint },
  );
  const backendTable = formatTable(
    [{ header: 'backend' }, { header: 'status' }, { header: 'package' }, { header: 'device or reason' }],
    backends.map((backend) => [
      backend.name,
      status(backend.status),
      backend.from,
      backend.device?.name ?? backend.reason ?? '',
    ]),
    { paint },
  );
  const devices = backends.flatMap((backend) =>
    (backend.devices ?? []).map(({ name, facts }) => formatDevice(`${backend.name}:${name}`, facts, paint)),
  );
  return [machine, methodTable, backendTable, ...devices].join('\n');
}

/** A device under what `--device` takes for it. */
function formatDevice(name: string, facts: ListedDevice['facts'], paint: Paint): string {
  return `${paint('bold', printable(name))}\n${formatFactTable(Object.entries(facts), paint, 2)}`;
}

import {
  type Backend,
  type Device,
  type EmbeddingDescription,
  type KvCacheDescription,
  type LinearDescription,
  LowbitError,
  type MoeDescription,
  type Refusal,
} from '@lowbit/core';

/** A device that nobody has, for tests of choosing and explaining. */
export function madeUpDevice(device: Partial<Device> = {}): Device {
  return { kind: 'made-up', name: 'Made-up device', ...device };
}

/** Answers what a made-up kernel is asked: undefined to accept, or why not. */
type Answer<Description> = (description: Description, device: Device) => Omit<Refusal, 'by'> | undefined;

export interface MadeUpKernel<Description> {
  readonly name: string;
  /** Absent: accepts everything. */
  readonly refuse?: Answer<Description>;
  /** Default 0. */
  bytes?(description: Description): number;
}

export interface MadeUpBackendOptions {
  readonly name?: string;
  readonly device?: Device;
  readonly oracle?: boolean;
  /** The probe finds no device, and says this. */
  readonly unavailable?: Omit<Refusal, 'by'>;
  /** By kind and in order of preference; a kind left out has one kernel that accepts everything. */
  readonly linear?: readonly MadeUpKernel<LinearDescription>[];
  readonly moe?: readonly MadeUpKernel<MoeDescription>[];
  readonly embedding?: readonly MadeUpKernel<EmbeddingDescription>[];
  readonly kvCache?: readonly MadeUpKernel<KvCacheDescription>[];
}

/**
 * A backend that answers as it is told and computes nothing, so that the choice of kernels and every reason can be
 * tested without hardware. Preparing and compiling reject with LowbitError MADE_UP.
 */
export function madeUpBackend(options: MadeUpBackendOptions = {}): Backend {
  const { name = 'made-up', device = madeUpDevice(), unavailable, oracle } = options;
  const kernels = <Description>(kind: string, list: readonly MadeUpKernel<Description>[] | undefined) =>
    (list ?? [{ name: `${name}/${kind}` }]).map((kernel) => ({
      name: kernel.name,
      refuse(description: Description, asked: Device): Refusal | undefined {
        const reason = kernel.refuse?.(description, asked);
        return reason && { by: kernel.name, ...reason };
      },
      bytes: (description: Description) => kernel.bytes?.(description) ?? 0,
      prepare: () => Promise.reject(computesNothing(kernel.name)),
    }));

  return {
    specificationVersion: 'v1',
    name,
    deviceKind: device.kind,
    ...(oracle === undefined ? {} : { oracle }),
    kernels: {
      linear: kernels('linear', options.linear),
      moe: kernels('moe', options.moe),
      embedding: kernels('embedding', options.embedding),
      kvCache: kernels('kv-cache', options.kvCache),
    },
    probe: async () =>
      unavailable ? { kind: 'unavailable', refusal: { by: name, ...unavailable } } : { kind: 'ready', device },
    compile: () => Promise.reject(computesNothing(name)),
  };
}

function computesNothing(who: string): LowbitError {
  return new LowbitError({ code: 'MADE_UP', message: `${who} is made up and computes nothing` });
}

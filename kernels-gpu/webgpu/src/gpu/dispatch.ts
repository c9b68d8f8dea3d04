/// <reference types="@webgpu/types" />
import type { WebgpuDevice } from '../device/webgpu-device.ts';

/** Rows of the batch, and rows whose logits are wanted: all that differs from one run to the next. */
export interface Counts {
  readonly rows: number;
  readonly logitRows: number;
}

export interface Binding {
  readonly buffer: GPUBuffer;
  /** Of its elements, `u32`, `f32`, `vec4<u32>`; of all of it where `access` is `uniform`. */
  readonly type: string;
  /** Default `read`. */
  readonly access?: 'read' | 'write' | 'uniform';
}

/** A kernel and what it works on. Bindings and constants are declared in front of the source. */
export interface DispatchSpec {
  readonly label: string;
  readonly source: string;
  readonly constants?: Readonly<Record<string, number>>;
  readonly bindings: Readonly<Record<string, Binding>>;
  /** Workgroups along x, y and z; a zero skips the dispatch. */
  workgroups(counts: Counts): readonly number[];
}

export interface Dispatch {
  encode(pass: GPUComputePassEncoder, counts: Counts): void;
}

/**
 * Compiles the kernel, or takes it from the cache, and binds the buffers. One buffer under two names becomes one binding:
 * WebGPU allows no second one to a buffer that is written.
 */
export async function createDispatch(
  { gpu, pipelines }: WebgpuDevice,
  { label, source, constants = {}, bindings, workgroups }: DispatchSpec,
): Promise<Dispatch> {
  const merged = mergeAliases(bindings);
  const code = [
    ...merged.map(declare),
    ...Object.entries(constants).map(([name, value]) => `const ${name} = ${literal(value)};`),
    merged.reduce((text, { name, names }) => names.reduce((each, alias) => rename(each, alias, name), text), source),
  ].join('\n');
  const entries = merged.map(({ access }, binding) => ({
    binding,
    visibility: 4, // GPUShaderStage.COMPUTE
    buffer: { type: bufferTypes[access] },
  }));
  const { pipeline, bindGroupLayout } = await pipelines.get(label, code, { entries });
  const bindGroup = gpu.createBindGroup({
    label,
    layout: bindGroupLayout,
    entries: merged.map(({ buffer }, binding) => ({ binding, resource: { buffer } })),
  });
  return {
    encode(pass, counts) {
      const [x = 1, y = 1, z = 1] = workgroups(counts);
      if (x === 0 || y === 0 || z === 0) return;
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y, z);
    },
  };
}

const bufferTypes = { read: 'read-only-storage', write: 'storage', uniform: 'uniform' } as const;

interface MergedBinding {
  readonly name: string;
  /** Other names of the same buffer. */
  readonly names: string[];
  readonly buffer: GPUBuffer;
  readonly type: string;
  access: 'read' | 'write' | 'uniform';
}

function mergeAliases(bindings: Readonly<Record<string, Binding>>): readonly MergedBinding[] {
  const merged: MergedBinding[] = [];
  for (const [name, { buffer, type, access = 'read' }] of Object.entries(bindings)) {
    const same = merged.find((one) => one.buffer === buffer);
    if (!same) {
      merged.push({ name, names: [], buffer, type, access });
      continue;
    }
    same.names.push(name);
    if (access === 'write') same.access = 'write';
  }
  return merged;
}

function declare({ name, type, access }: MergedBinding, binding: number): string {
  const place = `@group(0) @binding(${binding})`;
  if (access === 'uniform') return `${place} var<uniform> ${name}: ${type};`;
  return `${place} var<storage, ${access === 'write' ? 'read_write' : 'read'}> ${name}: array<${type}>;`;
}

function rename(source: string, from: string, to: string): string {
  return source.replace(new RegExp(`(?<!\\.)\\b${from}\\b`, 'g'), to);
}

/** Whole numbers stay abstract: they serve as u32, i32 and f32. */
function literal(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 53) return String(value);
  return String(value).includes('.') || String(value).includes('e') ? String(value) : `${value}.0`;
}

/// <reference types="@webgpu/types" />
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { type Command, encodeCommands } from './commands.ts';
import { usage } from './storage-buffer.ts';

/** All that differs from one run to the next. */
export interface Counts {
  readonly rows: number;
  /** Rows whose logits are wanted. */
  readonly logitRows: number;
  /** Are the largest logits to be found? */
  readonly top?: boolean;
  /** How attention divides the rows; absent where there is none. */
  readonly attention?: AttentionCounts;
}

interface AttentionCounts {
  /** Tiles of rows of one sequence, and rows that attend by themselves. */
  readonly tiles: number;
  readonly singles: number;
  /** Into how many stretches the longest context of a single row is cut. */
  readonly stretches: number;
  /** Every row is the only one of its sequence. */
  readonly alone: boolean;
}

export interface Binding {
  readonly buffer: GPUBuffer;
  /** Of its elements, `u32`, `f32`, `vec4<u32>`; of all of it where `access` is `uniform`. */
  readonly type: string;
  /** Default `read`. */
  readonly access?: 'read' | 'write' | 'uniform';
}

/**
 * A kernel and what it works on. Constants are part of the shader, which is compiled once for each set of them; sizes and
 * factors, u32 and f32, are not: shapes share a shader. All are declared in front of the source, by name.
 */
export interface DispatchSpec {
  readonly label: string;
  readonly source: string;
  readonly constants?: Readonly<Record<string, number>>;
  readonly sizes?: Readonly<Record<string, number>>;
  readonly factors?: Readonly<Record<string, number>>;
  readonly bindings: Readonly<Record<string, Binding>>;
  /** Workgroups along x, y and z; a zero skips the dispatch. */
  workgroups(counts: Counts): readonly number[];
}

export interface Dispatch {
  /** Undefined where there is nothing to do. */
  command(counts: Counts): Command | undefined;
  encode(pass: GPUComputePassEncoder, counts: Counts): void;
  release(): void;
}

/**
 * Compiles the kernel, or takes it from the cache, and binds the buffers. One buffer under two names becomes one binding:
 * WebGPU allows no second one to a buffer that is written.
 */
export async function createDispatch(device: WebgpuDevice, spec: DispatchSpec): Promise<Dispatch> {
  const { label, source, constants = {}, sizes = {}, factors = {}, bindings, workgroups } = spec;
  const numbers = numbersBuffer(device, sizes, factors);
  try {
    const names = [...Object.keys(sizes), ...Object.keys(factors)];
    const all = numbers
      ? { ...bindings, numbersOfDispatch: { buffer: numbers, type: 'Numbers', access: 'uniform' as const } }
      : bindings;
    const merged = mergeAliases(all);
    const members = [
      ...Object.keys(sizes).map((name) => `${name}: u32`),
      ...Object.keys(factors).map((name) => `${name}: f32`),
    ];
    const aliased = merged.flatMap(({ name, names }) => names.map((alias) => [alias, name] as const));
    const placed = names.map((name) => [name, `numbersOfDispatch.${name}`] as const);
    const code = [
      ...(numbers ? [`struct Numbers { ${members.join(', ')} }`] : []),
      ...merged.map(declare),
      ...Object.entries(constants).map(([name, value]) => `const ${name} = ${literal(value)};`),
      [...aliased, ...placed].reduce((text, [from, to]) => rename(text, from, to), source),
    ].join('\n');
    const entries = merged.map(({ access }, binding) => ({
      binding,
      visibility: 4, // GPUShaderStage.COMPUTE
      buffer: { type: bufferTypes[access] },
    }));
    const { pipeline, bindGroupLayout } = await device.pipelines.get(label, code, { entries });
    const bindGroup = device.gpu.createBindGroup({
      label,
      layout: bindGroupLayout,
      entries: merged.map(({ buffer }, binding) => ({ binding, resource: { buffer } })),
    });
    const command = (counts: Counts): Command | undefined => {
      const [x = 1, y = 1, z = 1] = workgroups(counts);
      return x === 0 || y === 0 || z === 0 ? undefined : { pipeline, bindGroup, workgroups: [x, y, z] };
    };
    return {
      command,
      encode(pass, counts) {
        const only = command(counts);
        if (only) encodeCommands(pass, [only]);
      },
      release: () => numbers?.destroy(),
    };
  } catch (error) {
    numbers?.destroy();
    throw error;
  }
}

function numbersBuffer(
  { gpu }: WebgpuDevice,
  sizes: Readonly<Record<string, number>>,
  factors: Readonly<Record<string, number>>,
): GPUBuffer | undefined {
  const words = new Uint32Array([
    ...Object.values(sizes),
    ...new Uint32Array(Float32Array.from(Object.values(factors)).buffer),
  ]);
  if (words.length === 0) return undefined;
  const buffer = gpu.createBuffer({ size: 16 * Math.ceil(words.length / 4), usage: usage.uniform | usage.copyTarget });
  gpu.queue.writeBuffer(buffer, 0, words);
  return buffer;
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

/// <reference types="@webgpu/types" />
import type { WebgpuDevice } from '../device/webgpu-device.ts';
import { createDispatch } from '../gpu/dispatch.ts';
import { splitRows } from '../gpu/split-rows.ts';
import { storageBuffer, usage } from '../gpu/storage-buffer.ts';
import { encodeExpression } from '../numbers/float-arguments.ts';
import floats from '../numbers/floats.wgsl';
import { tablePlaces, wideForm } from './device-weight.ts';
import packTable from './pack-table.wgsl';
import type { NumberType, WeightForm } from './weight-form.ts';

/** WGSL of a number in 16 bits. */
const halves: Readonly<Record<Exclude<NumberType, 'f32'>, string>> = {
  f16: encodeExpression('f16', 'bitcast<f32>(bits)'),
  bf16: 'bits >> 16u',
};

/** Tables of 32-bit numbers as `form` wants them; the buffer itself where it wants just these. */
export async function packTables(
  device: WebgpuDevice,
  form: WeightForm,
  groups: number,
  rows: number,
  wide: GPUBuffer,
  label: string,
): Promise<GPUBuffer> {
  const from = tablePlaces(wideForm(form), groups, rows);
  const to = tablePlaces(form, groups, rows);
  if ([form.scaleType, form.zeroType].every((type) => type === undefined || type === 'f32')) return wide;
  const { gpu } = device;
  // Shifts and group indices stay as they are.
  const rest = wide.size - 4 * from.shift;
  const tables = storageBuffer(device, 4 * to.shift + rest, label);
  const encoder = gpu.createCommandEncoder();
  if (rest > 0) encoder.copyBufferToBuffer(wide, 4 * from.shift, tables, 4 * to.shift, rest);
  const temporary: GPUBuffer[] = [wide];
  const pack = async (type: NumberType | undefined, fromWord: number, toWord: number) => {
    if (type === undefined) return;
    if (type === 'f32') {
      encoder.copyBufferToBuffer(wide, 4 * fromWord, tables, 4 * toWord, 4 * rows * groups);
      return;
    }
    const task = gpu.createBuffer({ size: 16, usage: usage.uniform | usage.copyTarget });
    temporary.push(task);
    gpu.queue.writeBuffer(task, 0, Uint32Array.of(rows, groups, fromWord, toWord));
    const dispatch = await createDispatch(device, {
      label: 'pack table',
      source: [floats, `fn halfOf(bits: u32) -> u32 { return ${halves[type]}; }`, packTable].join('\n'),
      bindings: {
        numbers: { buffer: wide, type: 'u32' },
        packed: { buffer: tables, type: 'u32', access: 'write' },
        task: { buffer: task, type: 'Task', access: 'uniform' },
      },
      workgroups: () => [Math.ceil(groups / 128), ...splitRows(rows)],
    });
    const pass = encoder.beginComputePass();
    dispatch.encode(pass, { rows: 0, logitRows: 0 });
    pass.end();
  };
  await pack(form.scaleType, from.scale, to.scale);
  await pack(form.zeroType, from.zero, to.zero);
  gpu.queue.submit([encoder.finish()]);
  for (const buffer of temporary) buffer.destroy();
  return tables;
}

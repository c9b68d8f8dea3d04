import { median } from '../statistics.mjs';
import { type GpuCommand, timeCommands, warmUp } from './gpu-commands.ts';

/** Each invocation reads so many pieces of 16 bytes, a whole grid apart. */
const piecesOfOne = 8;
const workgroupSize = 256;
const most = { workgroups: 65_535 };

const source = `
@group(0) @binding(0) var<storage, read> source: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> sink: array<u32>;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let stride = groups.x * ${workgroupSize}u;
  var sum = vec4u();
  for (var first = id.x; first < arrayLength(&source); first += stride * ${piecesOfOne}u) {
    ${Array.from({ length: piecesOfOne }, (_, piece) => `let a${piece} = source[first + ${piece}u * stride];`).join('\n    ')}
    sum ^= ${Array.from({ length: piecesOfOne }, (_, piece) => `a${piece}`).join(' ^ ')};
  }
  // Never so; the compiler cannot know.
  if (all(sum == vec4u(1u, 2u, 3u, 4u))) { sink[0] = sum.x; }
}`;

/**
 * Bytes per second of dispatches that do nothing but read `bytes` each, one after the other, `atLeast` bytes in turn, after
 * so many milliseconds of the same.
 */
export async function measureReading(
  gpu: GPUDevice,
  bytes: number,
  atLeast: number,
  warmUpFor: number,
): Promise<number> {
  const module = gpu.createShaderModule({ code: source });
  const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const sink = gpu.createBuffer({ size: 16, usage: GPU_STORAGE });
  const size = Math.ceil(bytes / (16 * piecesOfOne)) * 16 * piecesOfOne;
  const workgroups = Math.min(most.workgroups, Math.ceil(size / (16 * piecesOfOne * workgroupSize)));
  const buffers = Array.from({ length: Math.ceil(atLeast / size) }, () =>
    gpu.createBuffer({ size, usage: GPU_STORAGE }),
  );
  const commands = buffers.map((buffer): GpuCommand => {
    const group = gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [buffer, sink].map((one, binding) => ({ binding, resource: { buffer: one } })),
    });
    return {
      kernel: 'read',
      encode(pass) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(workgroups);
      },
    };
  });
  await warmUp(gpu, commands, warmUpFor);
  const times = await timeCommands(gpu, commands, { samples: 9, least: 30 });
  for (const buffer of [...buffers, sink]) buffer.destroy();
  return (size * buffers.length * 1000) / median(times);
}

/** GPUBufferUsage.STORAGE */
const GPU_STORAGE = 0x80;

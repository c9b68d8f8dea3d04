/** One dispatch, as it was recorded. */
export interface GpuCommand {
  /** Label of its pipeline. */
  readonly kernel: string;
  encode(pass: GPUComputePassEncoder): void;
}

export interface Recording {
  readonly commands: readonly GpuCommand[];
  readonly submits: number;
}

/**
 * The dispatches that `run` encodes for a device, in order. They can be encoded again as long as their buffers live. Two runs
 * come first, because while one is waited for a backend may encode the next.
 */
export async function recordCommands(gpu: GPUDevice, run: () => Promise<unknown>): Promise<Recording> {
  await run();
  await run();
  const commands: GpuCommand[] = [];
  let submits = 0;
  const { queue } = gpu;
  const createCommandEncoder = gpu.createCommandEncoder;
  const submit = queue.submit;
  gpu.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder.call(gpu, descriptor);
    const beginComputePass = encoder.beginComputePass;
    encoder.beginComputePass = (pass) => recordPass(beginComputePass.call(encoder, pass), commands);
    return encoder;
  };
  queue.submit = (buffers) => {
    submits += 1;
    return submit.call(queue, buffers);
  };
  try {
    await run();
  } finally {
    gpu.createCommandEncoder = createCommandEncoder;
    queue.submit = submit;
  }
  return { commands, submits };
}

function recordPass(pass: GPUComputePassEncoder, commands: GpuCommand[]): GPUComputePassEncoder {
  const { setPipeline, setBindGroup, dispatchWorkgroups } = pass;
  let current: GPUComputePipeline | undefined;
  const groups = new Map<number, readonly unknown[]>();
  pass.setPipeline = (pipeline) => {
    current = pipeline;
    setPipeline.call(pass, pipeline);
  };
  pass.setBindGroup = (index: number, ...rest: readonly unknown[]) => {
    groups.set(index, rest);
    Reflect.apply(setBindGroup, pass, [index, ...rest]);
  };
  pass.dispatchWorkgroups = (...counts) => {
    const pipeline = current!;
    const bound = [...groups];
    commands.push({
      kernel: pipeline.label,
      encode(again) {
        again.setPipeline(pipeline);
        for (const [index, rest] of bound) Reflect.apply(again.setBindGroup, again, [index, ...rest]);
        again.dispatchWorkgroups(...counts);
      },
    });
    dispatchWorkgroups.apply(pass, counts);
  };
  return pass;
}

/**
 * Milliseconds that the device takes for all commands once, one after the other: they are encoded many times ahead and
 * submitted at once, so that neither encoding nor waiting shows. One number for each sample.
 */
export async function timeCommands(
  gpu: GPUDevice,
  commands: readonly GpuCommand[],
  { samples, least }: { readonly samples: number /** Milliseconds of one sample. */; readonly least: number },
): Promise<readonly number[]> {
  if (commands.length === 0) return Array.from({ length: samples }, () => 0);
  let times = 1;
  for (;;) {
    const spent = await timeOnce(gpu, commands, times);
    if (spent >= least || times * commands.length >= 20_000) break;
    times = Math.min(Math.ceil((times * least * 1.2) / Math.max(spent, 0.1)), 8 * times);
  }
  const found: number[] = [];
  while (found.length < samples) found.push((await timeOnce(gpu, commands, times)) / times);
  return found;
}

/** Keeps the device busy, because one that has idled runs slowly at first. */
export async function warmUp(gpu: GPUDevice, commands: readonly GpuCommand[], milliseconds: number): Promise<void> {
  let times = 1;
  for (const until = performance.now() + milliseconds; performance.now() < until; ) {
    const spent = await timeOnce(gpu, commands, times);
    if (spent < 30 && times * commands.length < 5000) times *= 2;
  }
}

async function timeOnce(gpu: GPUDevice, commands: readonly GpuCommand[], times: number): Promise<number> {
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (let time = 0; time < times; time++) for (const command of commands) command.encode(pass);
  pass.end();
  const buffer = encoder.finish();
  await gpu.queue.onSubmittedWorkDone();
  const start = performance.now();
  gpu.queue.submit([buffer]);
  await gpu.queue.onSubmittedWorkDone();
  return performance.now() - start;
}

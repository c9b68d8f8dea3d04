/// <reference types="@webgpu/types" />
import { LowbitError } from '@lowbit/core';

export interface PipelineCache {
  /** The compute pipeline of a complete shader; each is compiled once. Rejects with what the compiler says. */
  get(label: string, code: string, layout: GPUBindGroupLayoutDescriptor): Promise<CompiledPipeline>;
}

interface CompiledPipeline {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroupLayout: GPUBindGroupLayout;
}

export function createPipelineCache(gpu: GPUDevice): PipelineCache {
  const pipelines = new Map<string, Promise<CompiledPipeline>>();
  const compile = async (label: string, source: string, layout: GPUBindGroupLayoutDescriptor) => {
    const code = directivesFirst(source);
    const bindGroupLayout = gpu.createBindGroupLayout(layout);
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ label, code });
    const reported = gpu.popErrorScope();
    const pipeline = await gpu
      .createComputePipelineAsync({
        label,
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] }),
        compute: { module, entryPoint: 'main' },
      })
      .catch(async (cause) => {
        await reported;
        const { messages } = await module.getCompilationInfo();
        const lines = code.split('\n');
        const reasons = messages.map(({ lineNum, message }) => `${message}: ${lines[lineNum - 1]?.trim()}`);
        throw new LowbitError({ code: 'SHADER', message: `shader ${label}: ${reasons[0] ?? cause}`, cause });
      });
    return { pipeline, bindGroupLayout };
  };
  return {
    get(label, code, layout) {
      const known = pipelines.get(code) ?? compile(label, code, layout);
      pipelines.set(code, known);
      return known;
    },
  };
}

/** The language wants `enable` before anything else; shaders are put together of parts. */
function directivesFirst(code: string): string {
  const directives = code.match(/^enable \w+;$/gm) ?? [];
  return [...new Set(directives), code.replace(/^enable \w+;$/gm, '')].join('\n');
}

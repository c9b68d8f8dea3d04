/// <reference types="@webgpu/types" />
import type { Counts, Dispatch } from './dispatch.ts';

/** A dispatch for given counts. */
export interface Command {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** Puts the dispatches that have something to do for these counts together; runs of equal counts share the list. */
export function createCommands(dispatches: readonly Dispatch[]): (counts: Counts) => readonly Command[] {
  let key = '';
  let commands: readonly Command[] = [];
  return (counts) => {
    const wanted = JSON.stringify(counts);
    if (wanted !== key) {
      commands = dispatches.map((dispatch) => dispatch.command(counts)).filter((command) => command !== undefined);
      key = wanted;
    }
    return commands;
  };
}

export function encodeCommands(pass: GPUComputePassEncoder, commands: readonly Command[]): void {
  let last: GPUComputePipeline | undefined;
  for (const { pipeline, bindGroup, workgroups } of commands) {
    if (pipeline !== last) pass.setPipeline(pipeline);
    last = pipeline;
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  }
}

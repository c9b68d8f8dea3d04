import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import awq from '@lowbit/awq';
import { createRegistry } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import type { Model } from '../model.ts';
import { openModel } from '../open-model.ts';
import type { OpenOptions } from '../open-options.ts';

/** The AWQ model of this repository, with the record of its reference run. */
export const shippedModel = fileURLToPath(new URL('../../../../examples/models/dense-awq', import.meta.url));

export const registry = createRegistry({ methods: [awq], backends: [reference] });

export function openShippedModel(options: Partial<OpenOptions> = {}): Promise<Model> {
  return openModel(shippedModel, { registry, ...options });
}

/** The recorded greedy continuation. */
export interface Golden {
  readonly prompt: string;
  readonly prompt_ids: readonly number[];
  readonly greedy_ids: readonly number[];
  readonly greedy_text: string;
  readonly heldout_ppl: number;
}

export async function readGolden(): Promise<Golden> {
  return JSON.parse(await readFile(`${shippedModel}/golden.json`, 'utf8'));
}

import { type Backend, createRegistry, type Executable } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import { expect, it } from 'vitest';
import { openModel } from '../open-model.ts';
import { memoryFolder, tinyConfig } from '../test-support/tiny-checkpoint.ts';
import type { GenerateRequest } from './generate-request.ts';

const { vocab_size: vocabSize } = tinyConfig;

/** The reference backend, able to choose tokens or not; notes what it is asked for. */
function noting(able: boolean): { readonly backend: Backend; readonly asked: string[] } {
  const asked: string[] = [];
  const backend: Backend = {
    ...reference,
    async compile(request) {
      const { run, runTop, ...rest } = await reference.compile(request);
      const noted: Executable = {
        ...rest,
        run: (batch, signal) => {
          asked.push('all');
          return run(batch, signal);
        },
      };
      if (!able) return noted;
      return {
        ...noted,
        runTop: (batch, top, signal) => {
          asked.push(`${top.counts}${top.logSumExp ? ' and the sum' : ''}`);
          return runTop!(batch, top, signal);
        },
      };
    },
  };
  return { backend, asked };
}

async function complete(able: boolean, requests: readonly GenerateRequest[]) {
  const { backend, asked } = noting(able);
  const model = await openModel(memoryFolder(), { registry: createRegistry({ backends: [backend] }), device: 'cpu' });
  const results = await Promise.all(requests.map((request) => model.complete(request)));
  await model.close();
  return { results, asked };
}

const prompt = [1, 4, 7];
const requests: Readonly<Record<string, GenerateRequest>> = {
  greedy: { prompt, sampling: { temperature: 0, maxTokens: 6, ignoreEos: true } },
  'greedy with log probabilities': {
    prompt,
    sampling: { temperature: 0, maxTokens: 4, ignoreEos: true },
    logprobs: { top: 3 },
  },
  'more alternatives than there are tokens': {
    prompt,
    sampling: { temperature: 0, maxTokens: 2, ignoreEos: true },
    logprobs: { top: 20 },
  },
  'top-k': { prompt, sampling: { topK: 4, topP: 0.9, seed: 5, maxTokens: 6, ignoreEos: true }, logprobs: { top: 0 } },
  'log probabilities of the prompt': {
    prompt,
    sampling: { topK: 2, seed: 1, maxTokens: 3, ignoreEos: true },
    logprobs: { top: 2, promptFrom: 0 },
  },
  'a penalty': { prompt, sampling: { topK: 4, repetitionPenalty: 1.3, seed: 5, maxTokens: 6, ignoreEos: true } },
};

it.each(Object.entries(requests))('%s is the same from a backend that gives the largest logits', async (_, request) => {
  expect((await complete(true, [request])).results).toEqual((await complete(false, [request])).results);
});

it('so are all of them in one batch', async () => {
  const all = Object.values(requests);
  const together = await complete(true, all);
  expect(together.results).toEqual((await complete(false, all)).results);
  expect(together.asked).toContain('1,3,11,4,0,0,2,0 and the sum');
});

it('asks for no more than a request needs', async () => {
  const askedFor = async (name: string) => new Set((await complete(true, [requests[name]!])).asked);
  expect(await askedFor('greedy')).toEqual(new Set(['1']));
  expect(await askedFor('greedy with log probabilities')).toEqual(new Set(['3 and the sum']));
  expect(await askedFor('more alternatives than there are tokens')).toEqual(new Set([`${vocabSize} and the sum`]));
  expect(await askedFor('top-k')).toEqual(new Set(['4 and the sum']));
  expect(await askedFor('a penalty')).toEqual(new Set(['all']));
});

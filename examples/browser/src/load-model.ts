import awq from '@lowbit/awq';
import { createMemoryStore, type HttpFolder, openHttpFolder, openOpfsStore, type Store } from '@lowbit/browser';
import { createRegistry, LowbitError, RefusedError } from '@lowbit/core';
import reference from '@lowbit/kernels-cpu-reference';
import webgpu, { software } from '@lowbit/kernels-webgpu';
import { explainModel, type Model, openModel } from '@lowbit/runtime';
import { mosaicSize, type Report, type Request } from './protocol.ts';

const registry = createRegistry({ methods: [awq], backends: [webgpu, software, reference] });

/** Contexts are short here: this much of a KV cache is enough, and small on a phone. */
const contextLength = 512;

type LoadRequest = Extract<Request, { kind: 'load' }>;
type Tell = (message: Report) => void;

/** Downloads what is not stored yet, says what will run, and makes it ready. */
export async function loadModel(request: LoadRequest, signal: AbortSignal, report: Tell): Promise<Model> {
  const store = await openStore(report);
  try {
    return await loadInto(store, request, signal, report);
  } catch (error) {
    if (!LowbitError.isInstance(error) || error.code !== 'STORE_FULL') throw error;
    report({ kind: 'notice', text: `The model is not kept for the next visit: ${error.message}` });
    return loadInto(createMemoryStore(), request, signal, report);
  }
}

async function loadInto(store: Store, { url, files, device }: LoadRequest, signal: AbortSignal, report: Tell) {
  const begin = performance.now();
  const folder = await openHttpFolder(url, { store, files, signal });
  const chosen = device ?? (await chooseDevice(folder, report));
  const options = { registry, device: chosen, contextLength, signal };
  report({ kind: 'explained', explanation: await explainModel(folder, options) });
  await folder.download(({ done, total }) => report({ kind: 'progress', stage: 'download', done, total }));
  report({ kind: 'mosaic', codes: await sampleCodes(folder) });
  const model = await openModel(folder, {
    ...options,
    kvCacheTokens: contextLength,
    onProgress: ({ done, total }) => report({ kind: 'progress', stage: 'weights', done, total }),
  });
  const seconds = (performance.now() - begin) / 1000;
  report({ kind: 'ready', info: model.info, fromStore: folder.from === 'store', seconds });
  return model;
}

async function openStore(report: Tell): Promise<Store> {
  try {
    return await openOpfsStore();
  } catch (error) {
    if (!LowbitError.isInstance(error)) throw error;
    report({ kind: 'notice', text: `The model is not kept for the next visit: ${error.message}` });
    return createMemoryStore();
  }
}

/** The GPU; where there is none that can, plain JavaScript, which says so. */
async function chooseDevice(folder: HttpFolder, report: Tell): Promise<string> {
  try {
    await explainModel(folder, { registry, device: 'webgpu:hardware' });
    return 'webgpu:hardware';
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'NO_BACKEND') throw error;
    const reasons = error.refusals.map(({ message }) => message).join('; ');
    const instead = 'Plain JavaScript computes instead, on one core: the story is the same, and slower.';
    report({ kind: 'notice', text: `No WebGPU: ${reasons}. ${instead}` });
    return 'cpu:reference';
  }
}

/** A 4-bit code for each cell of the picture, from all over the weights. */
async function sampleCodes(folder: HttpFolder): Promise<Uint8Array> {
  const source = await folder.open('model.safetensors');
  const cells = mosaicSize.columns * mosaicSize.rows;
  const step = Math.floor(source.size / cells);
  const codes = new Uint8Array(cells);
  const pieces = 16;
  for (let piece = 0; piece < pieces; piece++) {
    const [first, end] = [(piece * cells) / pieces, ((piece + 1) * cells) / pieces];
    const bytes = await source.read(first * step, end * step);
    for (let cell = first; cell < end; cell++) codes[cell] = bytes[(cell - first) * step]! & 15;
  }
  return codes;
}

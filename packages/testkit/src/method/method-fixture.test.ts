import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeSafetensors } from '@lowbit/safetensors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixtureName, loadFixture } from './method-fixture.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lowbit-fixture-'));
});
afterEach(() => rm(folder, { recursive: true }));

const modules = [
  { kind: 'linear', name: 'a', outFeatures: 1, inFeatures: 2, hasBias: false, role: 'projection' },
] as const;

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

function tensors(name: string, bytes: Uint8Array): Uint8Array {
  return writeSafetensors({ [name]: { dtype: 'F32', shape: [1, 2], bytes } });
}

const values = new Uint8Array(Float32Array.of(1, 2).buffer);

describe('loadFixture', () => {
  it('reads settings, weights and what was recorded', async () => {
    await write({
      'config.json': '{"a":1}',
      'side.json': '{"b":2}',
      'golden.json': '{"weight_sha256":{"a":"00","b":"11"}}',
      'golden.safetensors': tensors('weight.a', values),
      'model.safetensors': tensors('a.weight', values),
    });
    const fixture = await loadFixture({ path: pathToFileURL(`${folder}/`), modules });
    expect(fixture.metadata.config).toEqual({ a: 1 });
    expect([...fixture.metadata.sideFiles]).toEqual([['side.json', { b: 2 }]]);
    expect([...fixture.metadata.tensors.keys()]).toEqual(['a.weight']);
    expect(fixture.modules).toBe(modules);
    expect([...fixture.recorded]).toEqual([
      ['a', { sha256: '00', bytes: values }],
      ['b', { sha256: '11' }],
    ]);
    const ref = fixture.metadata.tensors.get('a.weight')!;
    expect(await fixture.bytes.read(ref)).toEqual(values);
    await fixture.close();
  });

  it('takes fixtures without recorded tensors', async () => {
    await write({ 'config.json': '{}', 'model.safetensors': tensors('a.weight', values) });
    const fixture = await loadFixture({ path: folder, modules });
    expect(fixture.recorded.size).toBe(0);
    await fixture.close();
  });

  it('says what is missing', async () => {
    await expect(loadFixture({ path: folder, modules })).rejects.toThrow(`${folder} holds no config.json`);
    await write({ 'config.json': '{}', 'model.safetensors': tensors('a.weight', values) });
    await expect(loadFixture({ path: folder })).rejects.toThrow(
      'config.json: hidden_size: expected a positive integer',
    );
  });
});

describe('fixtureName', () => {
  it.each(['/x/micro-llama', '/x/micro-llama/', new URL('file:///x/micro-llama/')])('%s', (path) => {
    expect(fixtureName({ path })).toBe('micro-llama');
  });
});

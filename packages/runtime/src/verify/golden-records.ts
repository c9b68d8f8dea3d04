import { ConfigError, isJsonObject, type JsonObject, TensorError, type TensorRef } from '@lowbit/core';
import { decodeElements } from '@lowbit/numerics';
import { openFileSource, openSafetensorsFile } from '@lowbit/safetensors';

/** What a reference run left behind: recorded tensors, and hashes of weights too large to record. */
export interface GoldenRecords {
  readonly names: readonly string[];
  /** SHA-256 of a module's dequantized weight, little-endian row-major f32, by module name. */
  readonly weightHashes: ReadonlyMap<string, string>;
  shape(name: string): readonly number[];
  /** @throws TensorError for a record that does not have as many values as were computed, where that is given */
  floats(name: string, size?: number): Promise<Float32Array>;
  integers(name: string): Promise<Int32Array>;
  close(): Promise<void>;
}

/** Opens a `golden.safetensors` and reads the `golden.json` beside it, where there is one. Not in browsers. */
export async function openGoldenRecords(path: string): Promise<GoldenRecords> {
  const source = await openFileSource(path);
  const { dirname, basename, join } = process.getBuiltinModule('node:path');
  const file = await openSafetensorsFile(source, basename(path));
  const refOf = (name: string): TensorRef => {
    const ref = file.tensors.get(name);
    if (ref) return ref;
    throw new TensorError({
      code: 'TENSOR_MISSING',
      tensor: name,
      expected: `a record in ${path}`,
      actual: 'no such tensor',
    });
  };
  const floats = async (name: string, size?: number) => {
    const ref = refOf(name);
    if (ref.dtype !== 'F32')
      throw new TensorError({ code: 'TENSOR_DTYPE', tensor: name, expected: 'F32', actual: ref.dtype });
    const values = decodeElements(await file.read(ref), 'f32');
    if (size === undefined || values.length === size) return values;
    const actual = `${values.length} values, [${ref.shape.join(', ')}]`;
    throw new TensorError({ code: 'TENSOR_SHAPE', tensor: name, expected: `${size} values`, actual });
  };
  const integers = async (name: string) => {
    const ref = refOf(name);
    if (ref.dtype !== 'I64')
      throw new TensorError({ code: 'TENSOR_DTYPE', tensor: name, expected: 'I64', actual: ref.dtype });
    const bytes = await file.read(ref);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Int32Array.from({ length: bytes.byteLength / 8 }, (_, index) => Number(view.getBigInt64(index * 8, true)));
  };
  return {
    names: [...file.tensors.keys()],
    weightHashes: readHashes(await readGoldenJson(join(dirname(path), 'golden.json'))),
    shape: (name) => refOf(name).shape,
    floats,
    integers,
    close: () => source.close(),
  };
}

async function readGoldenJson(path: string): Promise<JsonObject> {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
    throw new ConfigError({ file: path, expected: 'a JSON object', actual: value });
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError({ file: path, expected: 'JSON', actual: (cause as Error).message, cause });
  }
}

function readHashes(golden: JsonObject): ReadonlyMap<string, string> {
  const hashes = isJsonObject(golden.weight_sha256) ? golden.weight_sha256 : {};
  return new Map(Object.entries(hashes).map(([module, hash]) => [module, String(hash)]));
}

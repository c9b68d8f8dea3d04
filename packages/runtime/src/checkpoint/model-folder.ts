import { ConfigError, isJsonObject, type JsonObject, LowbitError } from '@lowbit/core';
import { type ByteSource, type CheckpointFiles, openFileSource } from '@lowbit/safetensors';
import { hasFiles } from '../system.ts';

/** The files of one checkpoint. A browser can implement it over anything that reads ranges. */
export interface ModelFolder extends CheckpointFiles {
  /** For messages. */
  readonly path: string;
  /** Absolute path of a file, where the files lie on a disk. */
  locate?(file: string): string;
}

/** Largest JSON or template file that is read whole: generous for tokenizers, too small to hurt. */
const maxTextBytes = 256 * 2 ** 20;

/**
 * A checkpoint folder on disk. Not in browsers.
 * @throws LowbitError MODEL_FOLDER when there is no such folder or no `config.json` in it
 */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  if (!hasFiles()) {
    throw new LowbitError({
      code: 'MODEL_FOLDER',
      message: `cannot open the model folder ${path}: a browser has no folders`,
      remedy: 'Give a ModelFolder instead of a path: openHttpFolder of @lowbit/browser makes one of a URL.',
    });
  }
  const { readdir } = process.getBuiltinModule('node:fs/promises');
  const { join, resolve } = process.getBuiltinModule('node:path');
  const root = resolve(path);
  const list = async () => {
    const entries = await readdir(root, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  };
  const names = await list().catch((cause: unknown) => {
    throw new LowbitError({
      code: 'MODEL_FOLDER',
      message: `cannot read the model folder ${path}: ${(cause as Error).message}`,
      remedy: 'Give the path of a Hugging Face checkpoint folder: the one that holds config.json and *.safetensors.',
      cause,
    });
  });
  if (!names.includes('config.json')) {
    throw new LowbitError({
      code: 'MODEL_FOLDER',
      message: `${path} holds no config.json`,
      remedy: 'Give the path of a Hugging Face checkpoint folder: the one that holds config.json and *.safetensors.',
    });
  }
  return {
    path,
    list,
    open: (name) => openFileSource(join(root, name)),
    locate: (name) => join(root, name),
  };
}

/** Text of a file; undefined where the folder has no such file. */
export async function readText(folder: ModelFolder, name: string): Promise<string | undefined> {
  if (!(await folder.list()).includes(name)) return undefined;
  const source: ByteSource = await folder.open(name);
  try {
    if (source.size > maxTextBytes) {
      throw new ConfigError({ file: name, expected: `at most ${maxTextBytes} bytes`, actual: source.size });
    }
    return new TextDecoder().decode(await source.read(0, source.size));
  } finally {
    await source.close();
  }
}

/**
 * A JSON object in a file; undefined where the folder has no such file.
 * @throws ConfigError for malformed JSON, or JSON that is no object
 */
export async function readJson(folder: ModelFolder, name: string): Promise<JsonObject | undefined> {
  const text = await readText(folder, name);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError({ file: name, expected: 'JSON', actual: (cause as Error).message, cause });
  }
  if (!isJsonObject(value)) throw new ConfigError({ file: name, expected: 'a JSON object', actual: value });
  return value;
}

import { bitsOf, type DType, elementTypeOf, isDType, isJsonObject, type TensorRef } from '@lowbit/core';
import type { ByteSource } from './byte-source.ts';
import { printable, SafetensorsError } from './safetensors-error.ts';
import { parseStrictJson } from './strict-json.ts';

/** What a safetensors file says of itself. */
export interface SafetensorsHeader {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorRef>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** As in Hugging Face's own JavaScript parser. The largest published headers have some megabytes. */
const maxHeaderBytes = 25_000_000;
/** Beyond any tensor; keeps the product of dimensions far from where numbers lose their last digits. */
const maxDimension = 2 ** 32;
/** The file begins with the header's length in this many bytes, little-endian. */
const lengthBytes = 8;
const openingBrace = 0x7b;

/**
 * Reads and checks the header of a safetensors file; reads no tensor. The tensors must cover the rest of the file
 * exactly: no overlap, no hole, nothing behind the last.
 *
 * ```
 * [length: u64] [header: JSON, length bytes] [bytes of all tensors]
 * ```
 *
 * Source of the format: https://github.com/huggingface/safetensors
 * @param file name of the file, for references and messages
 * @throws SafetensorsError
 */
export async function parseSafetensorsHeader(source: ByteSource, file: string): Promise<SafetensorsHeader> {
  const { json, dataStart } = await readHeader(source, file);
  const header = parseStrictJson(json, file, 'SAFETENSORS_HEADER');
  const refs: TensorRef[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name !== metadataKey) refs.push(readEntry(name, entry, { file, dataStart, fileSize: source.size }));
  }
  refs.sort((a, b) => a.start - b.start || a.end - b.end);
  checkCoverage(refs, { file, dataStart, fileSize: source.size });
  return {
    tensors: new Map(refs.map((ref) => [ref.name, ref])),
    metadata: readMetadata(Object.hasOwn(header, metadataKey) ? header[metadataKey] : {}, file),
  };
}

const metadataKey = '__metadata__';

/** Where a file's tensors lie. */
interface Extent {
  readonly file: string;
  readonly dataStart: number;
  readonly fileSize: number;
}

async function readHeader(source: ByteSource, file: string): Promise<{ json: Uint8Array; dataStart: number }> {
  const fail = (expected: string, actual: string, remedy?: string) =>
    new SafetensorsError({ code: 'SAFETENSORS_HEADER', file, expected, actual, remedy });
  if (source.size < lengthBytes) {
    throw fail(`a safetensors file, at least ${lengthBytes} bytes`, `${source.size} bytes`, downloadAgain);
  }
  const prefix = await source.read(0, lengthBytes);
  const length = new DataView(prefix.buffer, prefix.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > maxHeaderBytes) {
    throw fail(
      `a header of at most ${maxHeaderBytes} bytes`,
      `a length of ${length}`,
      'It may be no safetensors file.',
    );
  }
  const dataStart = lengthBytes + Number(length);
  if (dataStart > source.size) {
    throw fail(`a header of ${length} bytes`, `a file of ${source.size} bytes`, downloadAgain);
  }
  const json = await source.read(lengthBytes, dataStart);
  if (json[0] !== openingBrace) throw fail('a JSON object', length === 0n ? 'an empty header' : 'something else');
  return { json, dataStart };
}

function readMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  const fail = (place: string, actual: string) =>
    new SafetensorsError({ code: 'SAFETENSORS_HEADER', file, expected: `${place} to map names to strings`, actual });
  if (!isJsonObject(value)) throw fail(metadataKey, printable(value));
  return new Map(
    Object.entries(value).map(([key, text]) => {
      if (typeof text !== 'string') throw fail(metadataKey, `${printable(key)}: ${printable(text)}`);
      return [key, text] as const;
    }),
  );
}

function readEntry(name: string, entry: unknown, { file, dataStart, fileSize }: Extent): TensorRef {
  const fail = (expected: string, actual: string, remedy?: string) =>
    new SafetensorsError({ code: 'SAFETENSORS_TENSOR', file, tensor: name, expected, actual, remedy });
  if (!isJsonObject(entry)) throw fail('an object with dtype, shape and data_offsets', printable(entry));

  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDType(dtype)) throw fail('a known dtype', printable(dtype));
  if (!isSizes(shape)) throw fail('a shape of whole numbers', printable(shape));
  if (shape.some((size) => size > maxDimension)) throw fail(`dimensions of at most ${maxDimension}`, printable(shape));
  if (!isSizes(offsets) || offsets.length !== 2) throw fail('two data_offsets in whole bytes', printable(offsets));

  const [begin, end] = offsets as readonly [number, number];
  if (begin > end) throw fail('data_offsets in order', printable(offsets));
  const dataSize = fileSize - dataStart;
  if (end > dataSize) {
    throw fail(`data_offsets within the ${dataSize} bytes behind the header`, printable(offsets), downloadAgain);
  }
  const bits = sizeInBits(dtype, shape);
  if (bits !== (end - begin) * 8) {
    throw fail(`${formatBits(bits)} for ${dtype} ${printable(shape)}`, formatBits((end - begin) * 8));
  }
  return { name, dtype, shape, file, start: dataStart + begin, end: dataStart + end };
}

/** @throws SafetensorsError unless the tensors, sorted by place, follow one another from the header to the end of the file */
function checkCoverage(refs: readonly TensorRef[], { file, dataStart, fileSize }: Extent): void {
  let end = dataStart;
  let before = 'the header';
  for (const { name, start, end: next } of refs) {
    if (start !== end) {
      const actual = start < end ? `an overlap of ${end - start} bytes` : `a hole of ${start - end} bytes`;
      throw new SafetensorsError({
        code: 'SAFETENSORS_TENSOR',
        file,
        tensor: name,
        expected: `its bytes right behind ${before}`,
        actual,
      });
    }
    end = next;
    before = `those of ${printable(name)}`;
  }
  if (end !== fileSize) {
    throw new SafetensorsError({
      code: 'SAFETENSORS_HEADER',
      file,
      expected: 'the file to end with its last tensor',
      actual: `${fileSize - end} bytes more`,
    });
  }
}

const downloadAgain = 'The file is cut short: download it again.';

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function sizeInBits(dtype: DType, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, bitsOf(elementTypeOf(dtype)));
}

function formatBits(bits: number): string {
  return bits % 8 === 0 ? `${bits / 8} bytes` : `${bits} bits`;
}

import type { ElementType } from './element-type.ts';

/** Element types as safetensors headers spell them. */
export type DType =
  | 'BOOL'
  | 'U8'
  | 'I8'
  | 'U16'
  | 'I16'
  | 'U32'
  | 'I32'
  | 'U64'
  | 'I64'
  | 'F16'
  | 'BF16'
  | 'F32'
  | 'F64'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'F8_E4M3FNUZ'
  | 'F8_E5M2FNUZ'
  | 'F8_E8M0'
  | 'F6_E2M3'
  | 'F6_E3M2'
  | 'F4';

const elementTypes: Readonly<Record<DType, ElementType>> = {
  BOOL: 'u8',
  U8: 'u8',
  I8: 'i8',
  U16: 'u16',
  I16: 'i16',
  U32: 'u32',
  I32: 'i32',
  U64: 'u64',
  I64: 'i64',
  F16: 'f16',
  BF16: 'bf16',
  F32: 'f32',
  F64: 'f64',
  F8_E4M3: 'f8e4m3',
  F8_E5M2: 'f8e5m2',
  F8_E4M3FNUZ: 'f8e4m3fnuz',
  F8_E5M2FNUZ: 'f8e5m2fnuz',
  F8_E8M0: 'e8m0',
  F6_E2M3: 'f6e2m3',
  F6_E3M2: 'f6e3m2',
  F4: 'f4e2m1',
};

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(elementTypes, value);
}

/** The element type that a dtype names. */
export function elementTypeOf(dtype: DType): ElementType {
  return elementTypes[dtype];
}

/** Bytes in a checkpoint file; nothing is read until someone asks. */
export interface TensorRef {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** File name inside the checkpoint folder. */
  readonly file: string;
  /** First byte and one past the last byte, counted from the start of the file. */
  readonly start: number;
  readonly end: number;
}

/** Reads the bytes behind references. Backends that map files themselves ask `locate` for the path. */
export interface TensorBytes {
  read(ref: TensorRef): Promise<Uint8Array>;
  /** Absolute path of a checkpoint file, where the files lie on a disk. */
  locate?(file: string): string;
}

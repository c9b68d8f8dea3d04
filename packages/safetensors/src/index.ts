export { type ByteSource, checkRange, createByteSource } from './byte-source.ts';
export { type CheckpointFiles, findWeightFiles, type WeightFiles } from './checkpoint-files.ts';
export { openFileSource } from './file-source.ts';
export {
  type OpenSafetensorsOptions,
  openSafetensors,
  openSafetensorsFile,
  type Safetensors,
  type SafetensorsFile,
} from './open-safetensors.ts';
export { parseSafetensorsHeader, type SafetensorsHeader } from './parse-header.ts';
export { parseSafetensorsIndex, type SafetensorsIndex } from './parse-index.ts';
export { SafetensorsError, type SafetensorsErrorCode } from './safetensors-error.ts';
export { type TensorData, writeSafetensors } from './write-safetensors.ts';

export { compressedTensors, compressedTensors as default } from './compressed-tensors-method.ts';

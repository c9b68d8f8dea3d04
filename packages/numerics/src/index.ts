export type { Extents } from './bit-positions.ts';
export { decodeElement } from './decode-element.ts';
export { decodeBits, decodeCodes, decodeStored } from './decode-stored.ts';
export { dequantizeWeight, type ReadTensor } from './dequantize-weight.ts';
export { decodeElements, encodeElements } from './elements.ts';
export { encodeElement } from './encode-element.ts';
export { encodeStored, type RepackTarget, repack } from './encode-stored.ts';
export { roundHalfAwayFromZero, roundHalfEven } from './rounding.ts';
export type { StoredForm } from './stored-form.ts';

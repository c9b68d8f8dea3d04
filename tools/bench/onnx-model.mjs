// @ts-check
import { randomFillSync } from 'node:crypto';

// Source: onnx.proto of ONNX (field numbers, data types), and the MatMulNBits operator of ONNX Runtime's com.microsoft domain.
const dataTypes = /** @type {const} */ ({ float: 1, uint8: 2 });
const integerAttribute = 2;

/**
 * An ONNX model of `count` MatMulNBits with different random 4-bit weights, each the input of the next: `x` of
 * `[rows, size]` to `y` of the same shape. Without zero points: codes stand for -8..7.
 * @param {{ readonly size: number, readonly count: number, readonly blockSize: number, readonly accuracyLevel: number }} chain
 * @returns {Buffer}
 */
export function matMulChain({ size, count, blockSize, accuracyLevel }) {
  const blocks = size / blockSize;
  const attributes = { K: size, N: size, bits: 4, block_size: blockSize, accuracy_level: accuracyLevel };
  // Random codes under this scale keep the outputs about as large as the inputs.
  const scales = Buffer.from(new Float32Array(size * blocks).fill(1 / (4.6 * Math.sqrt(size))).buffer);
  const nodes = Array.from({ length: count }, (_, index) =>
    message(
      text(1, index === 0 ? 'x' : `y${index}`),
      text(1, `weight${index}`),
      text(1, `scales${index}`),
      text(2, index === count - 1 ? 'y' : `y${index + 1}`),
      text(4, 'MatMulNBits'),
      ...Object.entries(attributes).map(([name, value]) =>
        field(5, message(text(1, name), integer(3, value), integer(20, integerAttribute))),
      ),
      text(7, 'com.microsoft'),
    ),
  );
  const tensors = Array.from({ length: count }, (_, index) => [
    tensor(`weight${index}`, 'uint8', [size, blocks, blockSize / 2], randomFillSync(Buffer.alloc((size * size) / 2))),
    tensor(`scales${index}`, 'float', [size * blocks], scales),
  ]);
  const graph = message(
    ...nodes.map((node) => field(1, node)),
    text(2, 'chain'),
    ...tensors.flat().map((one) => field(5, one)),
    field(11, floats('x', size)),
    field(12, floats('y', size)),
  );
  const operatorSet = (/** @type {string} */ domain, /** @type {number} */ version) =>
    field(8, message(text(1, domain), integer(2, version)));
  return message(integer(1, 8), operatorSet('', 17), operatorSet('com.microsoft', 1), field(7, graph));
}

/** `[rows, size]`, with any number of rows. @param {string} name @param {number} size */
function floats(name, size) {
  const shape = message(field(1, text(2, 'rows')), field(1, integer(1, size)));
  return message(text(1, name), field(2, field(1, message(integer(1, dataTypes.float), field(2, shape)))));
}

/** @param {string} name @param {keyof typeof dataTypes} type @param {readonly number[]} shape @param {Buffer} bytes */
function tensor(name, type, shape, bytes) {
  return message(...shape.map((one) => integer(1, one)), integer(2, dataTypes[type]), text(8, name), field(9, bytes));
}

/** @param {readonly Buffer[]} fields */
function message(...fields) {
  return Buffer.concat(fields);
}

/** @param {number} number @param {number} value */
function integer(number, value) {
  return Buffer.concat([varint(number << 3), varint(value)]);
}

/** @param {number} number @param {string} value */
function text(number, value) {
  return field(number, Buffer.from(value));
}

/** Bytes with their length before them. @param {number} number @param {Buffer} bytes */
function field(number, bytes) {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

/** @param {number} value */
function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

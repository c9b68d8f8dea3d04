// @ts-check
import { randomFillSync } from 'node:crypto';

// Source: onnx.proto of ONNX (field numbers, data types), and the MatMulNBits operator of ONNX Runtime's com.microsoft domain.
const dataTypes = /** @type {const} */ ({ float: 1, uint8: 2, float16: 10 });
const integerAttribute = 2;

/**
 * An ONNX model of `count` MatMulNBits with different random 4-bit weights, each the input of the next: `x` of
 * `[rows, size]` to `y` of the same shape. Without zero points: codes stand for -8..7.
 * @param {object} chain
 * @param {number} chain.size
 * @param {number} chain.count
 * @param {number} chain.blockSize
 * @param {number} chain.accuracyLevel
 * @param {'float' | 'float16'} [chain.numbers] of inputs, outputs and scales
 * @param {() => Uint8Array} [chain.codes] of one matrix
 * @param {Buffer} [chain.scales] of each matrix
 * @returns {Buffer}
 */
export function matMulChain({
  size,
  count,
  blockSize,
  accuracyLevel,
  numbers = 'float',
  codes = () => randomFillSync(Buffer.alloc((size * size) / 2)),
  // Random codes under this scale keep the outputs about as large as the inputs.
  scales = Buffer.from(new Float32Array((size * size) / blockSize).fill(1 / (4.6 * Math.sqrt(size))).buffer),
}) {
  const blocks = size / blockSize;
  const attributes = { K: size, N: size, bits: 4, block_size: blockSize, accuracy_level: accuracyLevel };
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
    tensor(`weight${index}`, 'uint8', [size, blocks, blockSize / 2], codes()),
    tensor(`scales${index}`, numbers, [size * blocks], scales),
  ]);
  const graph = message(
    ...nodes.map((node) => field(1, node)),
    text(2, 'chain'),
    ...tensors.flat().map((one) => field(5, one)),
    field(11, floats('x', size, numbers)),
    field(12, floats('y', size, numbers)),
  );
  return modelOf(graph);
}

/**
 * An ONNX model of `x`, `[rows, size]`, to its largest number `y`, `[1, 1]`: whoever reads it has waited for `x`.
 * @param {{ readonly size: number, readonly numbers: 'float' | 'float16' }} input
 * @returns {Buffer}
 */
export function largestNumber({ size, numbers }) {
  const shape = field(1, integer(1, 1));
  const y = field(2, field(1, message(integer(1, dataTypes[numbers]), field(2, message(shape, shape)))));
  return modelOf(
    message(
      field(1, message(text(1, 'x'), text(2, 'y'), text(4, 'ReduceMax'))),
      text(2, 'largest'),
      field(11, floats('x', size, numbers)),
      field(12, message(text(1, 'y'), y)),
    ),
  );
}

/** @param {Buffer} graph */
function modelOf(graph) {
  const operatorSet = (/** @type {string} */ domain, /** @type {number} */ version) =>
    field(8, message(text(1, domain), integer(2, version)));
  return message(integer(1, 8), operatorSet('', 17), operatorSet('com.microsoft', 1), field(7, graph));
}

/** `[rows, size]`, with any number of rows. @param {string} name @param {number} size @param {'float' | 'float16'} type */
function floats(name, size, type) {
  const shape = message(field(1, text(2, 'rows')), field(1, integer(1, size)));
  return message(text(1, name), field(2, field(1, message(integer(1, dataTypes[type]), field(2, shape)))));
}

/** @param {string} name @param {keyof typeof dataTypes} type @param {readonly number[]} shape @param {Uint8Array} bytes */
function tensor(name, type, shape, bytes) {
  return message(...shape.map((one) => integer(1, one)), integer(2, dataTypes[type]), text(8, name), field(9, bytes));
}

/** @param {readonly Uint8Array[]} fields */
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

/** Bytes with their length before them. @param {number} number @param {Uint8Array} bytes */
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

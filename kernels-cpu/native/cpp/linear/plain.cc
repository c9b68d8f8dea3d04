// The readable truth: the same layouts, one number after the other. Runs on any processor; every other kernel is checked
// against it.
#include "kernels.h"
#include "loops/quantize-input.h"

namespace lowbit {
namespace {

struct PlainTile {
  static int64_t of(Accuracy, int64_t) { return 1; }
};

constexpr float e2m1[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

int storedCode(CodeType type, const uint8_t* octet, int64_t row, int64_t k) {
  const int64_t half = row >> 4, lane = row & 15;
  if (isFourBit(type)) return octet[half * 64 + lane * 4 + (k >> 1)] >> ((k & 1) * 4) & 15;
  if (isFloat8(type)) return octet[half * 128 + k * 16 + lane];
  return octet[half * 128 + (k & 1) * 64 + lane * 4 + (k >> 1)];
}

// The number of a stored code, in units of floatUnit().
float numberOf(CodeType type, int code, bool zeroTable) {
  if (type == CodeType::f4e2m1) return e2m1[code];
  if (type == CodeType::f8e5m2) return fromF16(static_cast<uint16_t>(code << 8));
  if (isFloat8(type)) return fromF16(static_cast<uint16_t>((code & 128) << 8 | (code & 127) << 7));
  return static_cast<float>(code - (zeroTable ? 0 : constantZero(type)));
}

int codeOf(CodeType type, int code) { return type == CodeType::f4e2m1 ? doubledE2m1[code] : code; }

int inputCode(const InputLayout& layout, const uint8_t* octet, int64_t k) {
  const uint8_t* quad = octet + (k & 1) * 4 * layout.planes + (k >> 1);
  const int high = static_cast<int8_t>(quad[0]);
  return layout.planes == 1 ? high : high * 256 + static_cast<int8_t>(quad[4]);
}

// Sum of stored codes times input codes over some octets.
int64_t dotOf(CodeType type, const uint8_t* octets, int64_t octetBytes, const uint8_t* quads, const InputLayout& format,
              int64_t count, int64_t row) {
  int64_t dot = 0;
  for (int64_t k = 0; k < count * 8; k += 1) {
    const int code = codeOf(type, storedCode(type, octets + (k >> 3) * octetBytes, row, k & 7));
    dot += static_cast<int64_t>(code) * inputCode(format, quads + (k >> 3) * 8 * format.planes, k & 7);
  }
  return dot;
}

// Activations as they are.
float exactOutput(const PackedLinear& weight, const PackedLayout& layout, const uint8_t* block, int64_t row,
                  const InputTile& x) {
  const WeightShape& shape = weight.shape;
  const bool zeroTable = shape.zeros != ZeroType::none;
  const float factor = shape.scaleFactor, unit = floatUnit(shape.codes);
  const float* values = reinterpret_cast<const float*>(x.codes);
  const uint8_t* p = block + layout.headerBytes;
  const uint8_t* tables = block;
  float sum = 0;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    float even = 0, odd = 0;
    for (int64_t k = 0; k < c.octets() * 8; k += 1) {
      const int code = storedCode(shape.codes, p + (k >> 3) * layout.octetBytes, row, k & 7);
      (k & 1 ? odd : even) += numberOf(shape.codes, code, zeroTable) * values[k];
    }
    values += c.octets() * 8;
    p += c.octets() * layout.octetBytes;
    if (!layout.wholeRow) tables = p;
    float dot = even + odd;
    if (zeroTable) dot -= zeroAt(shape.zeros, tables + blockRows * scaleBytes(shape.scales), row) * x.floatSums[c.index];
    sum += layout.wholeRow ? dot : dot * (scaleAt(shape.scales, tables, row) * factor * unit);
    if (!layout.wholeRow) p += layout.tableBytes;
  }
  return layout.wholeRow ? sum * (scaleAt(shape.scales, block, row) * factor * unit) : sum;
}

// One activation scale per chunk: sums in f32.
float integerOutput(const PackedLinear& weight, const PackedLayout& layout, const InputLayout& format,
                    const uint8_t* block, int64_t row, const InputTile& x) {
  const WeightShape& shape = weight.shape;
  const bool zeroTable = shape.zeros != ZeroType::none;
  const float factor = shape.scaleFactor, unit = integerUnit(shape.codes);
  const uint8_t* quads = x.codes;
  const uint8_t* p = block + layout.headerBytes;
  const uint8_t* tables = block;
  float sum = 0, part = 0;
  for (ChunkWalk c(layout); c.columns > 0; c.next()) {
    const int64_t dot = dotOf(shape.codes, p, layout.octetBytes, quads, format, c.octets(), row);
    quads += c.octets() * 8 * format.planes;
    p += c.octets() * layout.octetBytes;
    if (!layout.wholeRow) tables = p;
    float value;
    if (zeroTable) {
      const float zero = zeroAt(shape.zeros, tables + blockRows * scaleBytes(shape.scales), row);
      value = static_cast<float>(dot) - zero * static_cast<float>(x.sums[c.index]);
    } else {
      value = static_cast<float>(dot - static_cast<int64_t>(constantZero(shape.codes)) * x.sums[c.index]);
    }
    const float scale = layout.wholeRow ? 1.0f : scaleAt(shape.scales, tables, row) * factor * unit;
    const float inputScale = x.scales[c.index / format.scaleChunks];
    if (format.scaleChunks == 1) {
      sum += value * (inputScale * scale);
    } else {
      part += value * scale;
      if (endsScale(c, format.scaleChunks)) {
        sum += part * inputScale;
        part = 0;
      }
    }
    if (!layout.wholeRow) p += layout.tableBytes;
  }
  return layout.wholeRow ? sum * (scaleAt(shape.scales, block, row) * factor * unit) : sum;
}

// One scale per row on both sides: an exact sum, then f64.
float exactSumOutput(const PackedLinear& weight, const PackedLayout& layout, const InputLayout& format,
                     const uint8_t* block, int64_t row, const InputTile& x, double accumulatorBias, double bias) {
  const WeightShape& shape = weight.shape;
  const int64_t dot = dotOf(shape.codes, block + layout.headerBytes, layout.octetBytes, x.codes, format,
                            layout.octets(), row);
  const double zero = shape.zeros == ZeroType::none
                          ? constantZero(shape.codes)
                          : zeroAt(shape.zeros, block + blockRows * scaleBytes(shape.scales), row);
  double rowSum;
  std::memcpy(&rowSum, block + layout.tableBytes + row * 8, 8);
  const double sum = static_cast<double>(dot) - zero * x.totals[0] - x.zeros[0] * rowSum;
  const float scale = scaleAt(shape.scales, block, row) * shape.scaleFactor * integerUnit(shape.codes);
  return static_cast<float>((sum + accumulatorBias) * static_cast<double>(x.scales[0]) * static_cast<double>(scale) + bias);
}

void forwardPlain(const PackedLinear& weight, const PreparedInput& input, const LinearOutput& out, int64_t firstBlock,
                  int64_t lastBlock) {
  const Accuracy accuracy = input.format.accuracy;
  const PackedLayout layout(weight.shape);
  const InputLayout format(input.format, PlainTile::of(accuracy, input.rows));
  for (int64_t block = firstBlock; block < lastBlock; block += 1) {
    const uint8_t* data = weight.data + block * layout.blockBytes;
    for (int64_t token = 0; token < input.rows; token += 1) {
      const InputTile tile(format, input, token);
      for (int64_t row = 0; row < blockRows; row += 1) {
        const int64_t o = block * blockRows + row;
        if (o >= weight.shape.outFeatures) break;
        float& y = out.values[token * out.stride + o];
        const float bias = out.bias ? out.bias[o] : 0;
        if (accuracy == Accuracy::int8PerToken && layout.wholeRow) {
          const double before = out.accumulatorBias ? out.accumulatorBias[o] : 0;
          y = exactSumOutput(weight, layout, format, data, row, tile, before, bias);
        } else {
          y = accuracy == Accuracy::exact ? exactOutput(weight, layout, data, row, tile)
                                          : integerOutput(weight, layout, format, data, row, tile);
          if (out.bias) y += bias;
        }
      }
    }
  }
}

float denseWeight(const DenseLinear& weight, int64_t index) {
  float value;
  uint16_t half;
  const uint8_t* data = static_cast<const uint8_t*>(weight.data);
  if (weight.type == DenseType::f32) {
    std::memcpy(&value, data + index * 4, 4);
    return value;
  }
  std::memcpy(&half, data + index * 2, 2);
  return weight.type == DenseType::f16 ? fromF16(half) : fromBf16(half);
}

void forwardDensePlain(const DenseLinear& weight, const float* x, int64_t xStride, int64_t rows, const LinearOutput& out,
                       int64_t firstBlock, int64_t lastBlock) {
  for (int64_t o = firstBlock * blockRows; o < lastBlock * blockRows && o < weight.outFeatures; o += 1) {
    for (int64_t row = 0; row < rows; row += 1) {
      // Sixteen partial sums, as a vector unit has them.
      float partial[16] = {};
      for (int64_t k = 0; k < weight.inFeatures; k += 1) {
        partial[k & 15] += denseWeight(weight, o * weight.inFeatures + k) * x[row * xStride + k];
      }
      for (int64_t width = 8; width > 0; width /= 2) {
        for (int64_t k = 0; k < width; k += 1) partial[k] += partial[k + width];
      }
      out.values[row * out.stride + o] = out.bias ? partial[0] + out.bias[o] : partial[0];
    }
  }
}

}  // namespace

const LinearKernels& plainKernels() {
  static constexpr LinearKernels kernels = {
      PlainTile::of, prepareInputRows<PlainTile>, prepareCodeRows<PlainTile>, forwardPlain, forwardDensePlain,
  };
  return kernels;
}

}  // namespace lowbit

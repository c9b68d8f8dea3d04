#include "kv-cache.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace lowbit {
namespace {

CacheType cacheTypeOf(const std::string& name) {
  if (name == "f32") return CacheType::f32;
  if (name == "f16") return CacheType::f16;
  if (name == "bf16") return CacheType::bf16;
  if (name == "f8e4m3") return CacheType::f8e4m3;
  if (name == "f8e5m2") return CacheType::f8e5m2;
  if (name == "i8") return CacheType::i8;
  throw std::invalid_argument("a KV cache of " + name);
}

size_t checkedSize(int64_t blocks, int64_t blockSize, int64_t kvHeads, int64_t headSize, int bytes) {
  size_t size = static_cast<size_t>(bytes);
  for (const int64_t factor : {blocks, blockSize, kvHeads, headSize}) {
    if (factor < 1) throw std::invalid_argument("a KV cache without room");
    if (__builtin_mul_overflow(size, static_cast<size_t>(factor), &size)) throw std::bad_alloc();
  }
  return size;
}

uint16_t bf16Of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if (value != value) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Adding a power of two leaves the mantissa rounded, to nearest even, where a half has it: also for subnormal halves.
uint16_t f16Of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    float small;
    std::memcpy(&small, &magnitude, 4);
    small += 0.5f;
    std::memcpy(&magnitude, &small, 4);
    return static_cast<uint16_t>(sign | (magnitude - 0x3f000000));
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000) >> 13));
}

}  // namespace

KvCache::KvCache(const std::string& type, int64_t kvHeads, int64_t headSize, int64_t valueHeadSize, int64_t blockSize,
                 int64_t blocks, Quantization key, Quantization value)
    : kvHeads(kvHeads),
      headSize(headSize),
      valueHeadSize(valueHeadSize),
      blockSize(blockSize),
      blocks(blocks),
      elementType_(parseElementType(type)),
      type_(cacheTypeOf(type)),
      key_{AlignedBuffer(checkedSize(blocks, blockSize, kvHeads, headSize, elementType_.bits / 8)), std::move(key), headSize},
      value_{AlignedBuffer(checkedSize(blocks, blockSize, kvHeads, valueHeadSize, elementType_.bits / 8)), std::move(value),
             valueHeadSize} {
  for (const Part* part : {&key_, &value_}) {
    const auto features = static_cast<size_t>(kvHeads * part->headSize);
    for (const std::vector<float>* table : {&part->quantization.scales, &part->quantization.zeros}) {
      if (!table->empty() && table->size() != features) throw std::invalid_argument("KV cache scales of another size than a token");
    }
  }
  if (elementType_.bits == 8) {
    for (int code = 0; code < 256; code += 1) decoded_.push_back(static_cast<float>(decodeElement(static_cast<uint64_t>(code), elementType_)));
  }
}

CacheElements KvCache::elementsOf(const Part& part) const {
  const auto dataOf = [](const std::vector<float>& table) { return table.empty() ? nullptr : table.data(); };
  return {part.memory.as<uint8_t>(), dataOf(part.quantization.scales), dataOf(part.quantization.zeros), decoded_.data(), type_,
          part.headSize};
}

void KvCache::write(const int32_t* table, int64_t position, const float* key, const float* value) {
  const int64_t slot = table[position / blockSize] * blockSize + position % blockSize;
  writeElements(key_, slot, key);
  writeElements(value_, slot, value);
}

void KvCache::writeElements(Part& part, int64_t slot, const float* x) {
  const int64_t width = kvHeads * part.headSize;
  const auto& [scales, zeros] = part.quantization;
  const auto scaled = [&](int64_t i) { return scales.empty() ? x[i] : x[i] / scales[static_cast<size_t>(i)]; };
  if (type_ == CacheType::f32) {
    float* out = part.memory.as<float>() + slot * width;
    for (int64_t i = 0; i < width; i += 1) out[i] = scaled(i);
  } else if (type_ == CacheType::f16) {
    uint16_t* out = part.memory.as<uint16_t>() + slot * width;
    for (int64_t i = 0; i < width; i += 1) out[i] = f16Of(scaled(i));
  } else if (type_ == CacheType::bf16) {
    uint16_t* out = part.memory.as<uint16_t>() + slot * width;
    for (int64_t i = 0; i < width; i += 1) out[i] = bf16Of(scaled(i));
  } else if (type_ == CacheType::i8) {
    int8_t* out = part.memory.as<int8_t>() + slot * width;
    for (int64_t i = 0; i < width; i += 1) {
      const double zero = zeros.empty() ? 0 : zeros[static_cast<size_t>(i)];
      const double element = roundInteger(scaled(i), Ties::even) + zero;
      // No element is NaN; it becomes the least.
      out[i] = static_cast<int8_t>(element > 127 ? 127 : element >= -128 ? element : -128);
    }
  } else {
    uint8_t* out = part.memory.as<uint8_t>() + slot * width;
    for (int64_t i = 0; i < width; i += 1) {
      out[i] = static_cast<uint8_t>(encodeFloat(roundToFloat(scaled(i), elementType_, Ties::even), elementType_));
    }
  }
}

}  // namespace lowbit

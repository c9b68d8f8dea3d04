#include "kv-cache.h"

#include <algorithm>
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

int64_t positionsTogether(int64_t blockSize) { return std::min<int64_t>(blockSize & -blockSize, positionsAtOnce); }

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
      key_{AlignedBuffer(checkedSize(blocks, blockSize, kvHeads, headSize, elementType_.bits / 8)), std::move(key), headSize, true},
      value_{AlignedBuffer(checkedSize(blocks, blockSize, kvHeads, valueHeadSize, elementType_.bits / 8)), std::move(value),
             valueHeadSize, false} {
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
          elementType_.bits / 8, kvHeads, part.headSize, positionsTogether(blockSize)};
}

void KvCache::write(const int32_t* table, int64_t position, const float* key, const float* value) {
  for (int64_t head = 0; head < kvHeads; head += 1) writeHead(table, position, head, key + head * headSize, value + head * valueHeadSize);
}

void KvCache::writeHead(const int32_t* table, int64_t position, int64_t kvHead, const float* key, const float* value) {
  const int64_t slot = table[position / blockSize] * blockSize + position % blockSize;
  writeElements(key_, slot, kvHead, key);
  writeElements(value_, slot, kvHead, value);
}

template <typename Element, typename Encode>
void KvCache::writeEach(Part& part, int64_t slot, int64_t kvHead, const float* x, Encode encode) {
  const CacheElements elements = elementsOf(part);
  const int64_t lane = slot % elements.group, step = part.transposed ? elements.group : 1, feature = kvHead * part.headSize;
  Element* out = part.memory.as<Element>() + elements.groupStart(slot, kvHead) + (part.transposed ? lane : lane * part.headSize);
  for (int64_t i = 0; i < part.headSize; i += 1, out += step) {
    *out = static_cast<Element>(encode(elements.scales ? x[i] / elements.scales[feature + i] : x[i], feature + i));
  }
}

void KvCache::writeElements(Part& part, int64_t slot, int64_t kvHead, const float* x) {
  const std::vector<float>& zeros = part.quantization.zeros;
  switch (type_) {
    case CacheType::f32:
      return writeEach<float>(part, slot, kvHead, x, [](float number, int64_t) { return number; });
    case CacheType::f16:
      return writeEach<uint16_t>(part, slot, kvHead, x, [](float number, int64_t) { return f16Of(number); });
    case CacheType::bf16:
      return writeEach<uint16_t>(part, slot, kvHead, x, [](float number, int64_t) { return bf16Of(number); });
    case CacheType::i8:
      return writeEach<int8_t>(part, slot, kvHead, x, [&](float number, int64_t i) {
        const double element = roundInteger(number, Ties::even) + (zeros.empty() ? 0 : zeros[static_cast<size_t>(i)]);
        // No element is NaN; it becomes the least.
        return element > 127 ? 127 : element >= -128 ? element : -128;
      });
    default:
      return writeEach<uint8_t>(part, slot, kvHead, x, [&](float number, int64_t) {
        return encodeFloat(roundToFloat(number, elementType_, Ties::even), elementType_);
      });
  }
}

}  // namespace lowbit

// Keys and values of one attention module in blocks of tokens, as elements of one type; CacheElements shows how they lie.
#pragma once
#include <cstdint>
#include <vector>

#include "aligned-buffer.h"
#include "element-type.h"
#include "ops/operation-kernels.h"

namespace lowbit {

class KvCache {
 public:
  // How numbers become elements: clamp(round(x / scale) + zero). Of each feature over all heads; empty: 1 and 0.
  struct Quantization {
    std::vector<float> scales, zeros;
  };

  // Throws std::invalid_argument for a type that is not kept, std::bad_alloc.
  KvCache(const std::string& type, int64_t kvHeads, int64_t headSize, int64_t valueHeadSize, int64_t blockSize, int64_t blocks,
          Quantization key, Quantization value);

  // Keeps a token of a sequence whose blocks these are: key [kvHeads * headSize], value [kvHeads * valueHeadSize].
  void write(const int32_t* blocks, int64_t position, const float* key, const float* value);
  // The same of one head: key [headSize], value [valueHeadSize].
  void writeHead(const int32_t* blocks, int64_t position, int64_t kvHead, const float* key, const float* value);
  CacheElements keys() const { return elementsOf(key_); }
  CacheElements values() const { return elementsOf(value_); }

  const int64_t kvHeads, headSize, valueHeadSize, blockSize, blocks;
  size_t bytes() const { return key_.memory.size() + value_.memory.size(); }

 private:
  struct Part {
    AlignedBuffer memory;
    Quantization quantization;
    int64_t headSize;
    bool transposed;
  };
  CacheElements elementsOf(const Part&) const;
  void writeElements(Part&, int64_t slot, int64_t kvHead, const float* x);
  template <typename Element, typename Encode>
  void writeEach(Part&, int64_t slot, int64_t kvHead, const float* x, Encode encode);

  ElementType elementType_;
  CacheType type_;
  std::vector<float> decoded_;
  Part key_, value_;
};

}  // namespace lowbit

// Codes of an octet as f32, one column of one vector of rows at a time. Zero points of a table come off later; a constant
// one is part of what is looked up.
#pragma once
#include "integer-loop.h"

namespace lowbit {
namespace {

constexpr float e2m1Numbers[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

// Any 16 numbers.
template <class S>
struct FloatNibbles : Nibbles<S> {
  typename S::Table table;
  explicit FloatNibbles(const WeightShape& shape) {
    float numbers[16];
    const int zero = shape.zeros == ZeroType::none ? constantZero(shape.codes) : 0;
    for (int i = 0; i < 16; i += 1) {
      numbers[i] = shape.codes == CodeType::f4e2m1 ? e2m1Numbers[i] : static_cast<float>(i - zero);
    }
    table = S::table16(numbers);
  }
  template <int K>
  typename S::F column(int r) const {
    return S::template lookUpNibble<K>(table, this->stored[r]);
  }
};

// Integers by shifts, where a look-up costs more: u4 as stored, or i4 out of its stored i4 + 8.
template <class S, bool Signed>
struct IntegerNibbles : Nibbles<S> {
  explicit IntegerNibbles(const WeightShape&) {}
  void load(const uint8_t* octet, int64_t slice) {
    Nibbles<S>::load(octet, slice);
    if constexpr (Signed) {
      for (int r = 0; r < S::vectors; r += 1) this->stored[r] = S::flipNibbleSigns(this->stored[r]);
    }
  }
  template <int K>
  typename S::F column(int r) const {
    return S::toFloat(S::template nibbleOf<K, Signed>(this->stored[r]));
  }
};

// u8 as stored, or i8 out of its stored i8 + 128.
template <class S, bool Signed>
struct FloatBytes : Bytes<S> {
  explicit FloatBytes(const WeightShape&) {}
  void load(const uint8_t* octet, int64_t slice) {
    Bytes<S>::load(octet, slice);
    if constexpr (Signed) {
      for (int r = 0; r < S::vectors; r += 1) {
        this->stored[0][r] = S::flipSigns(this->stored[0][r]);
        this->stored[1][r] = S::flipSigns(this->stored[1][r]);
      }
    }
  }
  template <int K>
  typename S::F column(int r) const {
    return S::toFloat(S::template byteOf<K / 2, Signed>(this->stored[K & 1][r]));
  }
};

// e5m2 is the upper half of an f16. e4m3, sign-extended and shifted by 7, is an f16 of 2^-8 its size once the copy of the
// sign in the exponent is cleared. The conversion of f16 minds no flush-to-zero setting.
template <class S, bool E5m2>
struct Float8 {
  const uint8_t* place[S::vectors];
  explicit Float8(const WeightShape&) {}
  void load(const uint8_t* octet, int64_t slice) {
    for (int r = 0; r < S::vectors; r += 1) {
      const int64_t row = (slice * S::vectors + r) * S::lanes;
      place[r] = octet + (row >> 4) * 128 + (row & 15);
    }
    prefetchOctet<S>(octet, 256);
  }
  template <int K>
  typename S::F column(int r) const {
    return S::template fromFloat8<E5m2>(place[r] + K * 16);
  }
};

}  // namespace
}  // namespace lowbit

// What one stored number is, and its rounding: the same numbers, bit for bit, as @lowbit/numerics.
#pragma once
#include <cstdint>
#include <string>

namespace lowbit {

struct ElementType {
  enum class Kind { unsignedInteger, signedInteger, floating, powerOfTwo };
  // What is not a number. ieee: the highest exponent; allOnes: that one code; negativeZero: that one; none.
  enum class Specials { ieee, allOnes, negativeZero, none };

  Kind kind;
  int bits;
  // Of floats: sign, exponent, mantissa, from the top.
  int exponentBits = 0, mantissaBits = 0, bias = 0;
  Specials specials = Specials::none;
  bool overflowsToInfinity = false;

  bool isInteger() const { return kind == Kind::unsignedInteger || kind == Kind::signedInteger; }
};

// `u4`, `f8e4m3`, ... as core spells them. Throws std::invalid_argument for others.
ElementType parseElementType(const std::string& name);

// The number that a code, its bits, stands for. Integers beyond 2^53 are rounded to f64.
double decodeElement(uint64_t code, const ElementType&);

enum class Ties { even, away };
// The nearest number of a float type, ties as said; too large a number becomes infinity or the largest one, as encodeElement
// of numerics says. NaN stays NaN.
double roundToFloat(double value, const ElementType&, Ties);
// The code of a number that roundToFloat gave, types of at most 16 bits.
uint32_t encodeFloat(double rounded, const ElementType&);
double roundInteger(double value, Ties);

}  // namespace lowbit

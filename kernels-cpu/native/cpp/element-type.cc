#include "element-type.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <unordered_map>

namespace lowbit {
namespace {

using Kind = ElementType::Kind;
using Specials = ElementType::Specials;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// Of exponents -1022 to 1023.
double powerOfTwo(int exponent) {
  const uint64_t bits = static_cast<uint64_t>(exponent + 1023) << 52;
  double value;
  std::memcpy(&value, &bits, 8);
  return value;
}

double largestOf(const ElementType& type) {
  // The exponent and mantissa bits of the largest finite number.
  const uint64_t all = (uint64_t{1} << (type.exponentBits + type.mantissaBits)) - 1;
  const uint64_t infinityCode = ((uint64_t{1} << type.exponentBits) - 1) << type.mantissaBits;
  const uint64_t code = type.specials == Specials::ieee      ? infinityCode - 1
                        : type.specials == Specials::allOnes ? all - 1
                                                             : all;
  return decodeElement(code, type);
}

double roundToPowerOfTwo(double value) {
  if (std::isnan(value) || value < 0) return nan;
  if (value <= powerOfTwo(-127)) return powerOfTwo(-127);
  if (value >= powerOfTwo(127)) return powerOfTwo(127);
  const int exponent = std::ilogb(value);
  return powerOfTwo(exponent + (value >= 1.5 * powerOfTwo(exponent) ? 1 : 0));
}

}  // namespace

ElementType parseElementType(const std::string& name) {
  static const std::unordered_map<std::string, ElementType> floats = {
      {"f64", {Kind::floating, 64, 11, 52, 1023, Specials::ieee, true}},
      {"f32", {Kind::floating, 32, 8, 23, 127, Specials::ieee, true}},
      {"f16", {Kind::floating, 16, 5, 10, 15, Specials::ieee, true}},
      {"bf16", {Kind::floating, 16, 8, 7, 127, Specials::ieee, true}},
      {"f8e4m3", {Kind::floating, 8, 4, 3, 7, Specials::allOnes, false}},
      {"f8e5m2", {Kind::floating, 8, 5, 2, 15, Specials::ieee, false}},
      {"f8e4m3fnuz", {Kind::floating, 8, 4, 3, 8, Specials::negativeZero, false}},
      {"f8e5m2fnuz", {Kind::floating, 8, 5, 2, 16, Specials::negativeZero, false}},
      {"f6e2m3", {Kind::floating, 6, 2, 3, 1, Specials::none, false}},
      {"f6e3m2", {Kind::floating, 6, 3, 2, 3, Specials::none, false}},
      {"f4e2m1", {Kind::floating, 4, 2, 1, 1, Specials::none, false}},
      {"e8m0", {Kind::powerOfTwo, 8, 8, 0, 127, Specials::none, false}},
  };
  const auto found = floats.find(name);
  if (found != floats.end()) return found->second;
  static const char* const widths[] = {"1", "2", "3", "4", "5", "6", "7", "8", "16", "32", "64"};
  for (const char* width : widths) {
    if (name == std::string("u") + width) return {Kind::unsignedInteger, std::stoi(width)};
    if (name == std::string("i") + width) return {Kind::signedInteger, std::stoi(width)};
  }
  throw std::invalid_argument("element type " + name + " is not known");
}

double decodeElement(uint64_t code, const ElementType& type) {
  switch (type.kind) {
    case Kind::unsignedInteger:
      return static_cast<double>(code);
    case Kind::signedInteger:
      return static_cast<double>(static_cast<int64_t>(code << (64 - type.bits)) >> (64 - type.bits));
    case Kind::powerOfTwo:
      return code == 255 ? nan : powerOfTwo(static_cast<int>(code) - 127);
    case Kind::floating:
      break;
  }
  if (type.bits == 64) {
    double value;
    std::memcpy(&value, &code, 8);
    return value;
  }
  if (type.bits == 32) {
    const uint32_t bits = static_cast<uint32_t>(code);
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }
  const uint64_t signBit = uint64_t{1} << (type.exponentBits + type.mantissaBits);
  if (type.specials == Specials::negativeZero && code == signBit) return nan;
  const double sign = code & signBit ? -1 : 1;
  const uint64_t magnitude = code & (signBit - 1);
  if (type.specials == Specials::allOnes && magnitude == signBit - 1) return nan;
  const int exponent = static_cast<int>(magnitude >> type.mantissaBits);
  const uint64_t mantissa = magnitude & ((uint64_t{1} << type.mantissaBits) - 1);
  if (type.specials == Specials::ieee && exponent == (1 << type.exponentBits) - 1) {
    return mantissa == 0 ? sign * infinity : nan;
  }
  const uint64_t significand = exponent == 0 ? mantissa : mantissa + (uint64_t{1} << type.mantissaBits);
  const int power = (exponent == 0 ? 1 : exponent) - type.bias - type.mantissaBits;
  return sign * static_cast<double>(significand) * powerOfTwo(power);
}

double roundInteger(double value, Ties ties) {
  // The process runs in the default rounding mode, to nearest, ties to even.
  return ties == Ties::even ? std::nearbyint(value) : std::round(value);
}

double roundToFloat(double value, const ElementType& type, Ties ties) {
  if (std::isnan(value) || type.bits == 64) return value;
  if (type.kind == Kind::powerOfTwo) return roundToPowerOfTwo(value);
  if (type.bits == 32) return static_cast<float>(value);
  const double magnitude = std::fabs(value);
  const double largest = largestOf(type);
  double rounded = infinity;
  if (magnitude == 0) {
    rounded = 0;
  } else if (magnitude != infinity) {
    const int least = 1 - type.bias;
    const int exponent = std::max(std::ilogb(magnitude), least);
    const int step = exponent - type.mantissaBits;
    rounded = std::ldexp(roundInteger(std::ldexp(magnitude, -step), ties), step);
  }
  if (rounded > largest) rounded = type.overflowsToInfinity ? infinity : largest;
  return std::copysign(rounded, value);
}

uint32_t encodeFloat(double rounded, const ElementType& type) {
  const uint32_t signBit = 1u << (type.exponentBits + type.mantissaBits);
  if (std::isnan(rounded)) {
    if (type.specials == Specials::ieee) return signBit - (1u << (type.mantissaBits - 1));
    return type.specials == Specials::allOnes ? signBit - 1 : signBit;
  }
  const uint32_t sign = std::signbit(rounded) && !(type.specials == Specials::negativeZero && rounded == 0) ? signBit : 0;
  const double magnitude = std::fabs(rounded);
  if (magnitude == 0) return sign;
  if (magnitude == infinity) return sign | ((1u << type.exponentBits) - 1) << type.mantissaBits;
  const int exponent = std::max(std::ilogb(magnitude), 1 - type.bias);
  const auto significand = static_cast<uint32_t>(std::ldexp(magnitude, type.mantissaBits - exponent));
  return sign | (static_cast<uint32_t>(exponent + type.bias - 1) * (1u << type.mantissaBits) + significand);
}

}  // namespace lowbit

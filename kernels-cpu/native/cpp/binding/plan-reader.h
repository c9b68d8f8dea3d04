// JavaScript objects read as what C++ works with. Whatever is missing or of another type throws a TypeError that names it.
#pragma once
#include <napi.h>

#include <string>
#include <vector>

namespace lowbit {

class PlanReader {
 public:
  PlanReader(Napi::Value value, std::string place);

  bool has(const char* name) const;
  PlanReader object(const char* name) const { return {field(name), place(name)}; }
  std::vector<PlanReader> objects(const char* name) const;
  std::string text(const char* name) const;
  double number(const char* name) const;
  int64_t integer(const char* name) const;  // 0 to 2^53
  size_t index(const char* name) const { return static_cast<size_t>(integer(name)); }
  bool flag(const char* name) const;  // absent: false
  std::vector<float> floats(const char* name) const;
  std::vector<double> doubles(const char* name) const;
  std::vector<int32_t> integers(const char* name) const;
  std::vector<int64_t> positions(const char* name) const;  // a Float64Array of whole numbers
  Napi::Uint8Array bytes(const char* name) const;

  [[noreturn]] void fail(const char* name, const char* expected) const;

 private:
  Napi::Value field(const char* name) const;
  std::string place(const char* name) const { return place_ + "." + name; }
  template <typename Array>
  Array typedArray(const char* name, napi_typedarray_type type, const char* expected) const;

  Napi::Object object_;
  std::string place_;
};

}  // namespace lowbit

#include "plan-reader.h"

#include <cmath>

namespace lowbit {

PlanReader::PlanReader(Napi::Value value, std::string place) : place_(std::move(place)) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), place_ + ": expected an object");
  object_ = value.As<Napi::Object>();
}

void PlanReader::fail(const char* name, const char* expected) const {
  throw Napi::TypeError::New(object_.Env(), place(name) + ": expected " + expected);
}

Napi::Value PlanReader::field(const char* name) const { return object_.Get(name); }

bool PlanReader::has(const char* name) const { return !field(name).IsUndefined(); }

std::vector<PlanReader> PlanReader::objects(const char* name) const {
  const Napi::Value value = field(name);
  if (!value.IsArray()) fail(name, "an array");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<PlanReader> readers;
  for (uint32_t i = 0; i < array.Length(); i += 1) readers.emplace_back(array.Get(i), place(name) + "[" + std::to_string(i) + "]");
  return readers;
}

std::string PlanReader::text(const char* name) const {
  const Napi::Value value = field(name);
  if (!value.IsString()) fail(name, "a string");
  return value.As<Napi::String>();
}

double PlanReader::number(const char* name) const {
  const Napi::Value value = field(name);
  if (!value.IsNumber()) fail(name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t PlanReader::integer(const char* name) const {
  const double value = number(name);
  if (!(value >= 0 && value <= 9007199254740991.0) || value != std::floor(value)) fail(name, "a whole number");
  return static_cast<int64_t>(value);
}

bool PlanReader::flag(const char* name) const {
  const Napi::Value value = field(name);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

template <typename Array>
Array PlanReader::typedArray(const char* name, napi_typedarray_type type, const char* expected) const {
  const Napi::Value value = field(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) fail(name, expected);
  return value.As<Array>();
}

std::vector<float> PlanReader::floats(const char* name) const {
  const auto array = typedArray<Napi::Float32Array>(name, napi_float32_array, "a Float32Array");
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<double> PlanReader::doubles(const char* name) const {
  const auto array = typedArray<Napi::Float64Array>(name, napi_float64_array, "a Float64Array");
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<int32_t> PlanReader::integers(const char* name) const {
  const auto array = typedArray<Napi::Int32Array>(name, napi_int32_array, "an Int32Array");
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<int64_t> PlanReader::positions(const char* name) const {
  const auto array = typedArray<Napi::Float64Array>(name, napi_float64_array, "a Float64Array");
  const double* numbers = array.Data();
  std::vector<int64_t> values(array.ElementLength());
  bool valid = true;
  for (size_t i = 0; i < values.size(); i += 1) {
    valid &= numbers[i] >= 0 && numbers[i] <= 9007199254740991.0;
    values[i] = valid ? static_cast<int64_t>(numbers[i]) : 0;
  }
  if (!valid) fail(name, "positions");
  return values;
}

Napi::Uint8Array PlanReader::bytes(const char* name) const {
  return typedArray<Napi::Uint8Array>(name, napi_uint8_array, "a Uint8Array");
}

}  // namespace lowbit

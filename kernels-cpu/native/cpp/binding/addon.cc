// What JavaScript sees of the addon: src/addon.ts describes it.
#include <napi.h>

#include <cstring>

#include "../self-test.h"
#include "native-model.h"

namespace lowbit {
namespace {

Napi::Value instructionSets(const Napi::CallbackInfo& info) {
  const Napi::Array names = Napi::Array::New(info.Env());
  for (const InstructionSet set : allInstructionSets) {
    if (isAvailable(set)) names.Set(names.Length(), nameOf(set));
  }
  return names;
}

Napi::Value runSelfTest(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), selfTest()); }

// A weight decoded as it is while it is packed: what tests compare with @lowbit/numerics.
Napi::Value decodeWeight(const Napi::CallbackInfo& info) {
  try {
    ModuleContext context;
    WeightSource source = readWeightSource(PlanReader(info[0], "weight"), context);
    source.makeReady();
    Napi::Float32Array out = Napi::Float32Array::New(info.Env(), static_cast<size_t>(source.outFeatures * source.inFeatures));
    std::vector<float> scratch(static_cast<size_t>(2 * source.inFeatures));
    for (int64_t o = 0; o < source.outFeatures; o += 1) source.dequantizeRow(o, out.Data() + o * source.inFeatures, scratch.data());
    return out;
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

// A weight as it is packed, and whether its codes moved as whole words: what tests compare with @lowbit/numerics.
Napi::Value packWeight(const Napi::CallbackInfo& info) {
  try {
    ModuleContext context;
    ThreadPool pool(3);
    const PreparedWeight weight = readAndPrepareWeight(PlanReader(info[0], "weight"), context, pool);
    const Napi::Object result = Napi::Object::New(info.Env());
    const size_t size = weight.isPacked ? weight.bytes : 0;
    Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), size);
    if (size > 0) std::memcpy(bytes.Data(), weight.packed.data, size);
    result.Set("bytes", bytes);
    result.Set("asWords", weight.asWords);
    return result;
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeModel", NativeModel::define(env));
  exports.Set("instructionSets", Napi::Function::New(env, instructionSets));
  exports.Set("selfTest", Napi::Function::New(env, runSelfTest));
  exports.Set("decodeWeight", Napi::Function::New(env, decodeWeight));
  exports.Set("packWeight", Napi::Function::New(env, packWeight));
  return exports;
}

}  // namespace
}  // namespace lowbit

static Napi::Object initialize(Napi::Env env, Napi::Object exports) { return lowbit::initialize(env, exports); }

NODE_API_MODULE(lowbit_cpu, initialize)

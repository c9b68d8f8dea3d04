#include "read-module.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace lowbit {
namespace {

// A module is done once, but std::function wants to be copied.
template <typename T>
std::shared_ptr<T> shared(T&& value) {
  return std::make_shared<T>(std::move(value));
}

Bytes readBytes(const PlanReader& plan, ModuleContext& context) {
  if (plan.has("file")) {
    const std::string path = plan.text("file");
    auto found = context.files.find(path);
    if (found == context.files.end()) found = context.files.emplace(path, mapFile(path)).first;
    return partOf(found->second, path, static_cast<uint64_t>(plan.integer("start")), static_cast<uint64_t>(plan.integer("end")));
  }
  // Checkpoints that lie in memory are small; what they give may change or be collected, so it is copied.
  const Napi::Uint8Array array = plan.bytes("bytes");
  std::shared_ptr<uint8_t> copy(new uint8_t[array.ByteLength() + 1], std::default_delete<uint8_t[]>());
  if (array.ByteLength() > 0) std::memcpy(copy.get(), array.Data(), array.ByteLength());
  return {copy.get(), array.ByteLength(), copy};
}

StoredTable readTable(const PlanReader& plan, ModuleContext& context) {
  StoredTable table;
  table.type = parseElementType(plan.text("type"));
  table.bytes = readBytes(plan.object("source"), context);
  table.rows = plan.positions("rows");
  table.columns = plan.positions("columns");
  if (plan.has("add")) table.add = static_cast<int64_t>(plan.number("add"));
  if (plan.has("carry")) {
    const PlanReader carry = plan.object("carry");
    table.carry = {static_cast<int>(carry.integer("word")), static_cast<int64_t>(carry.number("value"))};
  }
  if (plan.has("stream")) {
    const PlanReader stream = plan.object("stream");
    table.stream = {static_cast<int>(stream.integer("word")), stream.integer("outer"), stream.integer("words"), stream.integer("inner")};
  }
  return table;
}

BlockTable readBlockTable(const PlanReader& plan, ModuleContext& context) {
  BlockTable block;
  block.table = readTable(plan, context);
  block.blockRows = plan.integer("blockRows");
  block.blockColumns = plan.integer("blockColumns");
  block.indexed = plan.flag("indexed");
  block.divide = plan.flag("divide");
  block.afterwards = plan.flag("afterwards");
  return block;
}

template <typename T>
T oneOf(const PlanReader& plan, const char* name, std::initializer_list<std::pair<const char*, T>> choices) {
  const std::string text = plan.text(name);
  for (const auto& [choice, value] : choices) {
    if (text == choice) return value;
  }
  plan.fail(name, "one of the known names");
}

WeightForm readForm(const PlanReader& plan, const WeightSource& source) {
  const auto kind = oneOf<WeightForm::Kind>(plan, "form",
                                            {{"packed", WeightForm::Kind::packed},
                                             {"dense", WeightForm::Kind::dense},
                                             {"decoded", WeightForm::Kind::decoded}});
  if (kind != WeightForm::Kind::packed) return {kind};
  const PlanReader packed = plan.object("packed");
  WeightShape shape;
  shape.outFeatures = source.outFeatures;
  shape.inFeatures = source.inFeatures;
  shape.groupSize = packed.integer("groupSize");
  shape.codes = oneOf<CodeType>(packed, "codes",
                                {{"u4", CodeType::u4},
                                 {"i4", CodeType::i4},
                                 {"u8", CodeType::u8},
                                 {"i8", CodeType::i8},
                                 {"f4e2m1", CodeType::f4e2m1},
                                 {"f6e2m3", CodeType::f6e2m3},
                                 {"f6e3m2", CodeType::f6e3m2},
                                 {"f8e4m3", CodeType::f8e4m3},
                                 {"f8e4m3fnuz", CodeType::f8e4m3fnuz},
                                 {"f8e5m2", CodeType::f8e5m2}});
  shape.scales = oneOf<ScaleType>(packed, "scales", {{"f32", ScaleType::f32}, {"f16", ScaleType::f16}, {"bf16", ScaleType::bf16}});
  shape.zeros = oneOf<ZeroType>(packed, "zeros", {{"none", ZeroType::none}, {"u8", ZeroType::u8}, {"f32", ZeroType::f32}});
  return {kind, shape};
}

std::shared_ptr<const ActivationQuantizer> readQuantizer(const PlanReader& plan, ModuleContext& context) {
  ActivationQuantizer quantizer;
  quantizer.type = parseElementType(plan.text("type"));
  quantizer.groupSize = plan.integer("groupSize");
  if (quantizer.groupSize < 1) plan.fail("groupSize", "at least 1");
  quantizer.ties = oneOf<Ties>(plan, "rounding", {{"half-even", Ties::even}, {"half-away", Ties::away}});
  quantizer.zeroFirst = plan.flag("zeroFirst");
  quantizer.reciprocal = plan.flag("reciprocal");
  if (plan.has("scales")) {
    quantizer.scales = plan.floats("scales");
    if (quantizer.scales.empty()) plan.fail("scales", "at least one");
    if (plan.has("zeros")) quantizer.zeros = plan.floats("zeros");
    if (!quantizer.zeros.empty() && quantizer.zeros.size() != quantizer.scales.size()) plan.fail("zeros", "one for each scale");
  } else {
    quantizer.symmetric = plan.flag("symmetric");
    quantizer.divisor = plan.number("divisor");
    if (plan.has("scaleType")) quantizer.scaleType = parseElementType(plan.text("scaleType"));
    if (plan.has("globalScale")) quantizer.globalScale = static_cast<float>(plan.number("globalScale"));
    quantizer.globalDivides = plan.flag("globalDivides");
  }
  // Inputs that are quantized alike are quantized once: known by their address.
  for (const auto& known : context.quantizers) {
    if (*known == quantizer) return known;
  }
  context.quantizers.push_back(std::make_shared<const ActivationQuantizer>(std::move(quantizer)));
  return context.quantizers.back();
}

struct PlannedExecution {
  size_t weight;
  LinearExecution execution;
};

struct PlannedLinear {
  std::vector<std::pair<WeightSource, WeightForm>> weights;
  LinearModule module;
  size_t prefill, decode = 0;
};

PlannedExecution readExecution(const PlanReader& plan, size_t weights, int64_t outFeatures, int64_t inFeatures, ModuleContext& context) {
  PlannedExecution planned;
  planned.weight = plan.index("weight");
  if (planned.weight >= weights) plan.fail("weight", "an index of a weight");
  LinearExecution& execution = planned.execution;
  execution.accuracy = oneOf<Accuracy>(plan, "accuracy",
                                       {{"exact", Accuracy::exact},
                                        {"int16Planes", Accuracy::int16Planes},
                                        {"int8PerGroup", Accuracy::int8PerGroup},
                                        {"int8Per128", Accuracy::int8Per128},
                                        {"int8PerToken", Accuracy::int8PerToken}});
  if (plan.has("quantizer")) {
    execution.quantizer = readQuantizer(plan.object("quantizer"), context);
    const ActivationQuantizer& quantizer = *execution.quantizer;
    if (!quantizer.scales.empty() && static_cast<int64_t>(quantizer.scales.size()) < quantizer.groupsOf(inFeatures)) {
      plan.fail("quantizer", "a scale for every group");
    }
  }
  if (plan.has("accumulatorBias")) {
    execution.accumulatorBias = plan.doubles("accumulatorBias");
    if (static_cast<int64_t>(execution.accumulatorBias.size()) != outFeatures) plan.fail("accumulatorBias", "one for each output");
    if (!execution.quantizer || execution.accuracy != Accuracy::int8PerToken) plan.fail("accuracy", "int8PerToken of a quantizer");
  }
  return planned;
}

PlannedLinear readLinear(const PlanReader& plan, ModuleContext& context) {
  PlannedLinear linear;
  for (const PlanReader& weight : plan.objects("weights")) {
    WeightSource source = readWeightSource(weight, context);
    const WeightForm form = readForm(weight, source);
    linear.weights.emplace_back(std::move(source), form);
  }
  LinearModule& module = linear.module;
  module.outFeatures = plan.integer("outFeatures");
  module.inFeatures = plan.integer("inFeatures");
  for (const auto& [source, form] : linear.weights) {
    if (source.outFeatures != module.outFeatures || source.inFeatures != module.inFeatures) plan.fail("weights", "weights of the linear's shape");
  }
  if (plan.has("bias")) {
    module.bias = plan.floats("bias");
    if (static_cast<int64_t>(module.bias.size()) != module.outFeatures) plan.fail("bias", "one for each output");
  }
  const auto execution = [&](const char* name, size_t& weight) {
    PlannedExecution planned = readExecution(plan.object(name), linear.weights.size(), module.outFeatures, module.inFeatures, context);
    weight = planned.weight;
    return std::move(planned.execution);
  };
  module.prefill = execution("prefill", linear.prefill);
  if (plan.has("decode")) module.decode = execution("decode", linear.decode);
  return linear;
}

void checkExecution(const LinearExecution& execution) {
  const PreparedWeight& weight = *execution.weight;
  if (execution.accumulatorBias.empty()) return;
  if (!weight.isPacked || weight.packed.shape.groupSize < weight.packed.shape.inFeatures) {
    throw std::invalid_argument("integer constants for a weight without one scale per row");
  }
}

LinearModule prepareLinear(PlannedLinear&& planned, ThreadPool& pool, WeightMemory& memory, size_t& bytes) {
  std::vector<std::shared_ptr<const PreparedWeight>> weights;
  for (auto& [source, form] : planned.weights) {
    source.makeReady();
    weights.push_back(std::make_shared<const PreparedWeight>(prepareWeight(source, form, pool, memory)));
    bytes += weights.back()->bytes;
    source = {};
  }
  LinearModule module = std::move(planned.module);
  const auto attach = [&](LinearExecution& execution, size_t weight) {
    execution.weight = weights[weight];
    const PreparedWeight& prepared = *execution.weight;
    // A weight that was decoded after all has no codes to multiply.
    if (!prepared.isPacked || !supportsAccuracy(prepared.packed.shape, execution.accuracy)) execution.accuracy = Accuracy::exact;
    checkExecution(execution);
    bytes += execution.accumulatorBias.size() * sizeof(double);
  };
  attach(module.prefill, planned.prefill);
  if (module.decode) attach(*module.decode, planned.decode);
  bytes += module.bias.size() * sizeof(float);
  return module;
}

ModuleWork readMoe(const PlanReader& plan, ModuleContext& context) {
  struct PlannedExpert {
    PlannedLinear gate, up, down;
  };
  std::vector<PlannedExpert> planned;
  for (const PlanReader& expert : plan.objects("experts")) {
    planned.push_back({readLinear(expert.object("gate"), context), readLinear(expert.object("up"), context),
                       readLinear(expert.object("down"), context)});
  }
  if (planned.empty()) plan.fail("experts", "at least one");
  const int64_t hidden = planned[0].gate.module.inFeatures, intermediate = planned[0].gate.module.outFeatures;
  for (const PlannedExpert& expert : planned) {
    const auto is = [](const PlannedLinear& linear, int64_t out, int64_t in) {
      return linear.module.outFeatures == out && linear.module.inFeatures == in;
    };
    if (!is(expert.gate, intermediate, hidden) || !is(expert.up, intermediate, hidden) || !is(expert.down, hidden, intermediate)) {
      plan.fail("experts", "experts of one shape");
    }
  }
  return [planned = shared(std::move(planned)), hidden, intermediate, memory = context.memory](ThreadPool& pool) -> PreparedModule {
    MoeModule module;
    module.hiddenSize = hidden;
    module.intermediateSize = intermediate;
    size_t bytes = 0;
    for (PlannedExpert& expert : *planned) {
      LinearModule gate = prepareLinear(std::move(expert.gate), pool, *memory, bytes), up = prepareLinear(std::move(expert.up), pool, *memory, bytes),
                   down = prepareLinear(std::move(expert.down), pool, *memory, bytes);
      module.experts.push_back({std::move(gate), std::move(up), std::move(down)});
    }
    return {std::move(module), bytes};
  };
}

ModuleWork readCache(const PlanReader& plan) {
  const auto quantization = [&](const char* name) {
    const PlanReader part = plan.object(name);
    KvCache::Quantization result;
    if (part.has("scales")) result.scales = part.floats("scales");
    if (part.has("zeros")) result.zeros = part.floats("zeros");
    return result;
  };
  const auto sizes = std::vector<int64_t>{plan.integer("numKvHeads"), plan.integer("headSize"), plan.integer("valueHeadSize"),
                                          plan.integer("blockSize"), plan.integer("blocks")};
  return [type = plan.text("type"), sizes, key = quantization("key"), value = quantization("value")](ThreadPool&) -> PreparedModule {
    auto cache = std::make_unique<KvCache>(type, sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], key, value);
    const size_t bytes = cache->bytes();
    return {std::move(cache), bytes};
  };
}

}  // namespace

WeightSource readWeightSource(const PlanReader& plan, ModuleContext& context) {
  WeightSource source;
  source.outFeatures = plan.integer("outFeatures");
  source.inFeatures = plan.integer("inFeatures");
  source.codes = readTable(plan.object("codes"), context);
  for (const PlanReader& scale : plan.objects("scales")) source.scales.push_back(readBlockTable(scale, context));
  if (plan.has("zero")) source.zero = readBlockTable(plan.object("zero"), context);
  if (plan.has("shift")) source.shift = readBlockTable(plan.object("shift"), context);
  if (plan.has("groupIndex")) source.groupIndex = plan.integers("groupIndex");
  return source;
}

PreparedWeight readAndPrepareWeight(const PlanReader& plan, ModuleContext& context, ThreadPool& pool) {
  WeightSource source = readWeightSource(plan, context);
  const WeightForm form = readForm(plan, source);
  source.makeReady();
  return prepareWeight(source, form, pool, *context.memory);
}

ModuleWork readModule(const PlanReader& plan, ModuleContext& context) {
  const std::string kind = plan.text("kind");
  if (kind == "linear") {
    return [planned = shared(readLinear(plan, context)), memory = context.memory](ThreadPool& pool) -> PreparedModule {
      size_t bytes = 0;
      LinearModule module = prepareLinear(std::move(*planned), pool, *memory, bytes);
      return {std::move(module), bytes};
    };
  }
  if (kind == "moe") return readMoe(plan, context);
  if (kind == "kvCache") return readCache(plan);
  if (kind == "embedding") {
    return [source = shared(readWeightSource(plan.object("weight"), context))](ThreadPool&) -> PreparedModule {
      source->makeReady();
      const size_t bytes = source->codes.bytes.size + source->codes.rows.size() * sizeof(int64_t);
      return {EmbeddingModule{std::move(*source)}, bytes};
    };
  }
  if (kind == "norm") {
    NormModule module{plan.floats("weight"), plan.has("bias") ? plan.floats("bias") : std::vector<float>()};
    if (module.weight.empty() || (!module.bias.empty() && module.bias.size() != module.weight.size())) {
      plan.fail("bias", "one for each feature");
    }
    return [module = shared(std::move(module))](ThreadPool&) -> PreparedModule {
      const size_t bytes = (module->weight.size() + module->bias.size()) * sizeof(float);
      return {std::move(*module), bytes};
    };
  }
  plan.fail("kind", "a kind of module");
}

}  // namespace lowbit

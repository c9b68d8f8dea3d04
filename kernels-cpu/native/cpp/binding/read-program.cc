#include "read-program.h"

#include <cmath>

namespace lowbit {
namespace {

class ProgramReader {
 public:
  ProgramReader(Model& model, std::vector<int64_t> widths) : model_(model), widths_(std::move(widths)) {}

  std::unique_ptr<Operation> read(const PlanReader& plan) {
    const std::string kind = plan.text("kind");
    if (kind == "embedding") {
      auto operation = std::make_unique<EmbeddingOperation>();
      operation->module = &module<EmbeddingModule>(plan);
      operation->output = value(plan, "output", operation->module->table.inFeatures);
      return operation;
    }
    if (kind == "rms-norm") {
      auto operation = std::make_unique<RmsNormOperation>();
      operation->module = &module<NormModule>(plan);
      operation->input = value(plan, "input");
      operation->output = value(plan, "output", widthOf(operation->input));
      operation->epsilon = plan.number("epsilon");
      if (widthOf(operation->input) % static_cast<int64_t>(operation->module->weight.size()) != 0) plan.fail("module", "a norm of whole runs");
      return operation;
    }
    if (kind == "concat") return readConcat(plan);
    if (kind == "linear") {
      auto operation = std::make_unique<LinearOperation>();
      operation->input = value(plan, "input");
      for (const PlanReader& part : plan.objects("parts")) {
        const LinearModule& linear = module<LinearModule>(part);
        if (linear.inFeatures != widthOf(operation->input)) part.fail("module", "a linear over the input's width");
        operation->parts.push_back({&linear, value(part, "output", linear.outFeatures)});
      }
      return operation;
    }
    if (kind == "rope") return readRope(plan);
    if (kind == "attention") return readAttention(plan);
    if (kind == "silu-mul") {
      auto operation = std::make_unique<SiluMulOperation>();
      operation->gate = value(plan, "gate");
      operation->up = value(plan, "up", widthOf(operation->gate));
      operation->output = value(plan, "output", widthOf(operation->gate));
      return operation;
    }
    if (kind == "route") return readRoute(plan);
    if (kind == "experts") {
      auto operation = std::make_unique<ExpertsOperation>();
      operation->module = &module<MoeModule>(plan);
      operation->input = value(plan, "input", operation->module->hiddenSize);
      operation->output = value(plan, "output", operation->module->hiddenSize);
      return operation;
    }
    if (kind == "sigmoid-mul") {
      auto operation = std::make_unique<SigmoidMulOperation>();
      operation->gate = value(plan, "gate", 1);
      operation->input = value(plan, "input");
      operation->output = value(plan, "output", widthOf(operation->input));
      return operation;
    }
    if (kind == "add") {
      auto operation = std::make_unique<AddOperation>();
      operation->left = value(plan, "left");
      operation->right = value(plan, "right", widthOf(operation->left));
      operation->output = value(plan, "output", widthOf(operation->left));
      return operation;
    }
    if (kind == "logits") {
      auto operation = std::make_unique<LogitsOperation>();
      operation->module = &module<LinearModule>(plan);
      operation->input = value(plan, "input", operation->module->inFeatures);
      return operation;
    }
    plan.fail("kind", "an operation that this backend has");
  }

 private:
  template <typename T>
  T& module(const PlanReader& plan, const char* name = "module") {
    return model_.module<T>(plan.index(name));
  }
  int64_t widthOf(size_t value) const { return widths_[value]; }
  size_t value(const PlanReader& plan, const char* name, int64_t width = -1) const {
    const size_t index = plan.index(name);
    if (index >= widths_.size()) plan.fail(name, "the index of a value");
    if (width >= 0 && widths_[index] != width) plan.fail(name, "a value of the width that the operation needs");
    return index;
  }

  std::unique_ptr<Operation> readConcat(const PlanReader& plan) {
    auto operation = std::make_unique<ConcatOperation>();
    operation->heads = plan.integer("heads");
    int64_t width = 0;
    for (const PlanReader& part : plan.objects("parts")) {
      const ConcatOperation::Part read = {value(part, "input"), part.integer("start"), part.integer("stride"), part.integer("size")};
      if (operation->heads < 1 || read.start + (operation->heads - 1) * read.stride + read.size > widthOf(read.input)) {
        part.fail("input", "a value as wide as its slices");
      }
      width += read.size * operation->heads;
      operation->parts.push_back(read);
    }
    operation->output = value(plan, "output", width);
    return operation;
  }

  std::unique_ptr<Operation> readRope(const PlanReader& plan) {
    auto operation = std::make_unique<RopeOperation>();
    operation->headSize = plan.integer("headSize");
    operation->offset = plan.integer("offset");
    operation->attentionFactor = plan.number("attentionFactor");
    operation->interleaved = plan.flag("interleaved");
    std::vector<double> frequencies = plan.doubles("inverseFrequencies");
    if (operation->offset + 2 * static_cast<int64_t>(frequencies.size()) > operation->headSize) {
      plan.fail("inverseFrequencies", "frequencies that fit a head");
    }
    for (const int32_t index : plan.integers("values")) {
      if (index < 0 || static_cast<size_t>(index) >= widths_.size() || operation->headSize < 1 || widths_[static_cast<size_t>(index)] % operation->headSize != 0) {
        plan.fail("values", "values of whole heads");
      }
      operation->values.push_back(static_cast<size_t>(index));
    }
    for (const auto& [known, factor] : frequencies_) {
      if (*known == frequencies && factor == operation->attentionFactor) operation->inverseFrequencies = known;
    }
    if (!operation->inverseFrequencies) {
      operation->inverseFrequencies = std::make_shared<const std::vector<double>>(std::move(frequencies));
      frequencies_.emplace_back(operation->inverseFrequencies, operation->attentionFactor);
    }
    return operation;
  }

  std::unique_ptr<Operation> readAttention(const PlanReader& plan) {
    auto operation = std::make_unique<AttentionOperation>();
    KvCache& cache = *module<std::unique_ptr<KvCache>>(plan, "cache");
    operation->cache = &cache;
    operation->numHeads = plan.integer("numHeads");
    if (operation->numHeads < 1 || operation->numHeads % cache.kvHeads != 0) plan.fail("numHeads", "heads that share the cache's");
    operation->query = value(plan, "query", operation->numHeads * cache.headSize);
    operation->key = value(plan, "key", cache.kvHeads * cache.headSize);
    operation->value = value(plan, "value", cache.kvHeads * cache.valueHeadSize);
    operation->output = value(plan, "output", operation->numHeads * cache.valueHeadSize);
    operation->scale = static_cast<float>(plan.number("scale"));
    operation->slidingWindow = plan.integer("slidingWindow");
    operation->precise = plan.flag("precise");
    return operation;
  }

  std::unique_ptr<Operation> readRoute(const PlanReader& plan) {
    auto operation = std::make_unique<RouteOperation>();
    operation->routerLogits = value(plan, "routerLogits");
    const int64_t experts = widthOf(operation->routerLogits);
    operation->topK = plan.integer("topK");
    operation->softmax = plan.text("scoring") == "softmax";
    operation->normalize = plan.flag("normalize");
    operation->scale = plan.number("scale");
    operation->choiceBias = plan.has("choiceBias") ? &module<NormModule>(plan, "choiceBias") : nullptr;
    if (operation->choiceBias && static_cast<int64_t>(operation->choiceBias->weight.size()) != experts) plan.fail("choiceBias", "one for each expert");
    if (plan.has("groups")) {
      const PlanReader groups = plan.object("groups");
      operation->groups = groups.integer("count");
      operation->chosenGroups = groups.integer("chosen");
      operation->twoLargest = groups.text("score") == "two-largest";
    }
    const bool divides = operation->groups >= 1 && experts % operation->groups == 0 && operation->chosenGroups <= operation->groups;
    if (!divides || operation->topK < 1 || operation->topK > experts / operation->groups * operation->chosenGroups) {
      plan.fail("topK", "experts that there are");
    }
    return operation;
  }

  Model& model_;
  std::vector<int64_t> widths_;
  std::vector<std::pair<std::shared_ptr<const std::vector<double>>, double>> frequencies_;
};

}  // namespace

void readProgram(const PlanReader& plan, Model& model) {
  const std::vector<int64_t> widths = plan.positions("widths");
  ProgramReader reader(model, widths);
  std::vector<std::unique_ptr<Operation>> operations;
  for (const PlanReader& operation : plan.objects("operations")) operations.push_back(reader.read(operation));
  model.setProgram(widths, std::move(operations));
}

}  // namespace lowbit

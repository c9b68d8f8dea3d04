// A module plan (src/plan/module-plan.ts): read on the JavaScript thread, prepared on another.
#pragma once
#include <functional>
#include <map>
#include <memory>

#include "../module.h"
#include "plan-reader.h"

namespace lowbit {

// What the modules of one model share.
struct ModuleContext {
  std::map<std::string, Bytes> files;
  std::vector<std::shared_ptr<const ActivationQuantizer>> quantizers;
  std::shared_ptr<WeightMemory> memory = std::make_shared<WeightMemory>();
};

struct PreparedModule {
  Module module;
  size_t bytes;
};

// The slow part: decodes, packs, allocates. Keeps what it needs of the context.
using ModuleWork = std::function<PreparedModule(ThreadPool&)>;

ModuleWork readModule(const PlanReader&, ModuleContext&);
WeightSource readWeightSource(const PlanReader&, ModuleContext&);
PreparedWeight readAndPrepareWeight(const PlanReader&, ModuleContext&, ThreadPool&);

}  // namespace lowbit

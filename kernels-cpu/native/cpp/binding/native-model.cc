#include "native-model.h"

#include <cstring>
#include <string>

#include "../sampling/top-logits.h"
#include "read-bandwidth.h"
#include "read-program.h"

namespace lowbit {
namespace {

InstructionSet instructionSetOf(const std::string& name) {
  for (const InstructionSet set : allInstructionSets) {
    if (name == nameOf(set) && isAvailable(set)) return set;
  }
  throw std::invalid_argument("instruction set " + name + " is not available");
}

// What a run gives back.
struct Numbers {
  std::vector<float> values;
};

template <typename T>
Napi::TypedArrayOf<T> arrayOf(Napi::Env env, const std::vector<T>& values) {
  Napi::TypedArrayOf<T> array = Napi::TypedArrayOf<T>::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

Napi::Value toJavaScript(Napi::Env env, const Numbers& result) { return arrayOf(env, result.values); }

struct ChosenLogits {
  TopLogits top;
  bool logSumExp;
};

Napi::Value toJavaScript(Napi::Env env, const ChosenLogits& chosen) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("tokenIds", arrayOf(env, chosen.top.tokenIds));
  object.Set("values", arrayOf(env, chosen.top.values));
  object.Set("logits", arrayOf(env, chosen.top.logits));
  if (chosen.logSumExp) object.Set("logSumExp", arrayOf(env, chosen.top.logSumExp));
  return object;
}

struct AddedModule {
  size_t index, bytes;
};

Napi::Value toJavaScript(Napi::Env env, const AddedModule& added) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("index", static_cast<double>(added.index));
  object.Set("bytes", static_cast<double>(added.bytes));
  return object;
}

Napi::Value toJavaScript(Napi::Env env, double number) { return Napi::Number::New(env, number); }

template <typename Work>
class Worker final : public Napi::AsyncWorker {
 public:
  Worker(Napi::Env env, std::shared_ptr<Model> model, std::shared_ptr<bool> busy, Work work)
      : Napi::AsyncWorker(env, "lowbit"), deferred_(env), model_(std::move(model)), busy_(std::move(busy)), work_(std::move(work)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      result_ = std::make_unique<Result>(work_(*model_));
    } catch (const std::bad_alloc&) {
      SetError("out of memory");
    } catch (const std::exception& error) {
      SetError(error.what());
    }
  }
  void OnOK() override {
    *busy_ = false;
    deferred_.Resolve(toJavaScript(Env(), *result_));
  }
  void OnError(const Napi::Error& error) override {
    *busy_ = false;
    deferred_.Reject(error.Value());
  }

 private:
  using Result = decltype(std::declval<Work>()(std::declval<Model&>()));
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<bool> busy_;
  Work work_;
  std::unique_ptr<Result> result_;
};

Batch readBatch(const PlanReader& plan) {
  Batch batch;
  batch.tokenIds = plan.integers("tokenIds");
  batch.positions = plan.integers("positions");
  batch.logitRows = plan.integers("logitRows");
  const int64_t rows = plan.integer("rows");
  batch.decoding.assign(static_cast<size_t>(rows), 0);
  for (const PlanReader& sequence : plan.objects("sequences")) {
    BatchSequence read = {sequence.integer("firstRow"), sequence.integer("rows"), sequence.integers("blocks"), sequence.flag("decoding")};
    if (read.firstRow + read.rows > rows) sequence.fail("rows", "rows of the batch");
    for (int64_t row = read.firstRow; row < read.firstRow + read.rows; row += 1) batch.decoding[static_cast<size_t>(row)] = read.decoding;
    batch.sequences.push_back(std::move(read));
  }
  for (const int32_t row : batch.logitRows) {
    if (row < 0 || row >= rows) plan.fail("logitRows", "rows of the batch");
  }
  if (plan.has("routing")) {
    const PlanReader routing = plan.object("routing");
    batch.routing = {routing.integer("topK"), routing.integers("experts"), routing.floats("weights")};
    const auto total = static_cast<size_t>(rows * batch.routing.topK);
    if (batch.routing.experts.size() != total || batch.routing.weights.size() != total) routing.fail("experts", "topK for each row");
  }
  return batch;
}

}  // namespace

Napi::Function NativeModel::define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {InstanceMethod("addModule", &NativeModel::addModule), InstanceMethod("setProgram", &NativeModel::setProgram),
                      InstanceMethod("run", &NativeModel::run), InstanceMethod("runTop", &NativeModel::runTop),
                      InstanceMethod("readBandwidth", &NativeModel::readBandwidth), InstanceMethod("interrupt", &NativeModel::interrupt),
                      InstanceMethod("close", &NativeModel::close)});
}

NativeModel::NativeModel(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeModel>(info) {
  const PlanReader options(info[0], "options");
  const int64_t threads = options.integer("threads");
  if (threads < 1 || threads > 1024) options.fail("threads", "1 to 1024");
  try {
    model_ = std::make_shared<Model>(static_cast<int>(threads), instructionSetOf(options.text("instructionSet")));
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

Model& NativeModel::open(Napi::Env env) {
  if (!model_) throw Napi::Error::New(env, "the executable is closed");
  if (*busy_) throw Napi::Error::New(env, "the executable is running");
  return *model_;
}

template <typename Work>
Napi::Value NativeModel::start(Napi::Env env, Work work) {
  auto* worker = new Worker<Work>(env, model_, busy_, std::move(work));
  *busy_ = true;
  worker->Queue();
  return worker->promise();
}

Napi::Value NativeModel::addModule(const Napi::CallbackInfo& info) {
  open(info.Env());
  try {
    ModuleWork work = readModule(PlanReader(info[0], "module"), context_);
    return start(info.Env(), [work](Model& model) {
      PreparedModule prepared = work(model.pool());
      const size_t bytes = prepared.bytes;
      return AddedModule{model.add(std::move(prepared.module)), bytes};
    });
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

void NativeModel::setProgram(const Napi::CallbackInfo& info) {
  Model& model = open(info.Env());
  try {
    readProgram(PlanReader(info[0], "program"), model);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

Napi::Value NativeModel::run(const Napi::CallbackInfo& info) {
  Model& model = open(info.Env());
  const PlanReader plan(info[0], "batch");
  auto batch = std::make_shared<Batch>(readBatch(plan));
  std::vector<Model::Input> inputs;
  for (const PlanReader& input : plan.objects("inputs")) inputs.push_back({input.index("value"), input.floats("numbers")});
  const int64_t output = plan.has("output") ? plan.integer("output") : -1;
  for (const Model::Input& input : inputs) {
    if (input.value >= model.valueCount()) plan.fail("inputs", "values of the program");
  }
  if (output >= static_cast<int64_t>(model.valueCount())) plan.fail("output", "a value of the program");
  model.interrupt(false);
  return start(info.Env(), [batch, inputs = std::move(inputs), output](Model& open) {
    return Numbers{open.run(*batch, inputs, output)};
  });
}

Napi::Value NativeModel::runTop(const Napi::CallbackInfo& info) {
  Model& model = open(info.Env());
  auto batch = std::make_shared<Batch>(readBatch(PlanReader(info[0], "batch")));
  const PlanReader plan(info[1], "top");
  TopRequest request = {plan.integers("counts"), plan.flag("logSumExp")};
  if (request.counts.size() != batch->logitRows.size()) plan.fail("counts", "one for each row of logits");
  model.interrupt(false);
  return start(info.Env(), [batch, request = std::move(request)](Model& open) {
    return ChosenLogits{selectTopLogits(open.pool(), open.run(*batch, {}, -1), request), request.logSumExp};
  });
}

Napi::Value NativeModel::readBandwidth(const Napi::CallbackInfo& info) {
  open(info.Env());
  return start(info.Env(), [](Model& model) { return lowbit::readBandwidth(model.pool()); });
}

void NativeModel::interrupt(const Napi::CallbackInfo&) {
  if (model_) model_->interrupt(true);
}

Napi::Value NativeModel::close(const Napi::CallbackInfo& info) {
  if (model_) model_->cancel();
  model_.reset();
  context_ = {};
  return info.Env().Undefined();
}

}  // namespace lowbit

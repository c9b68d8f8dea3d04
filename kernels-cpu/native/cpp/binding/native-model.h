// The JavaScript class NativeModel: addModule, setProgram, run, runTop, readBandwidth, interrupt, close. Work runs on threads of its own;
// JavaScript never waits.
#pragma once
#include <napi.h>

#include <memory>

#include "../model.h"
#include "read-module.h"

namespace lowbit {

class NativeModel : public Napi::ObjectWrap<NativeModel> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NativeModel(const Napi::CallbackInfo& info);

 private:
  Napi::Value addModule(const Napi::CallbackInfo& info);
  void setProgram(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value runTop(const Napi::CallbackInfo& info);
  Napi::Value readBandwidth(const Napi::CallbackInfo& info);
  void interrupt(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  template <typename Work>
  Napi::Value start(Napi::Env env, Work work);
  Model& open(Napi::Env env);

  // Work in flight holds the model too: closing lets go of it, and the last one frees it.
  std::shared_ptr<Model> model_;
  ModuleContext context_;
  std::shared_ptr<bool> busy_ = std::make_shared<bool>(false);
};

}  // namespace lowbit

// A program plan (src/plan/program-plan.ts) as operations over the modules of a model.
#pragma once
#include <memory>
#include <vector>

#include "../model.h"
#include "plan-reader.h"

namespace lowbit {

void readProgram(const PlanReader&, Model&);

}  // namespace lowbit

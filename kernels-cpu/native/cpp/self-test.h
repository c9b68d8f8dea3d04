// Something small computed with every instruction set that this processor has, compared with plain arithmetic.
#pragma once
#include <string>

namespace lowbit {

// Empty where all agree; otherwise which instruction set came out wrong, and by how much.
std::string selfTest();

}  // namespace lowbit

// Operations that work row by row.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "../operation.h"

namespace lowbit {

void EmbeddingOperation::run(Run& run) const {
  const Value& out = run.value(output);
  run.pool.run(run.rows(), rowsPerThread(8 * out.width), [&](int64_t first, int64_t last, int) {
    std::vector<float> scratch(static_cast<size_t>(2 * out.width));
    for (int64_t row = first; row < last; row += 1) {
      module->table.dequantizeRow(run.batch.tokenIds[static_cast<size_t>(row)], out.data() + row * out.width, scratch.data());
    }
  });
}

void RmsNormOperation::run(Run& run) const {
  const Value &in = run.value(input), &out = run.value(output);
  const auto size = static_cast<int64_t>(module->weight.size());
  const int64_t runs = run.rows() * in.width / size;
  const float* bias = module->bias.empty() ? nullptr : module->bias.data();
  run.pool.run(runs, rowsPerThread(size), [&](int64_t first, int64_t last, int) {
    for (int64_t i = first; i < last; i += 1) {
      run.kernels.rmsNorm(in.data() + i * size, size, module->weight.data(), bias, epsilon, out.data() + i * size);
    }
  });
}

void ConcatOperation::run(Run& run) const {
  const Value& out = run.value(output);
  run.pool.run(run.rows(), rowsPerThread(out.width), [&](int64_t first, int64_t last, int) {
    for (int64_t row = first; row < last; row += 1) {
      float* target = out.data() + row * out.width;
      for (int64_t head = 0; head < heads; head += 1) {
        for (const Part& part : parts) {
          const Value& in = run.value(part.input);
          std::memcpy(target, in.data() + row * in.width + part.start + head * part.stride, static_cast<size_t>(part.size) * sizeof(float));
          target += part.size;
        }
      }
    }
  });
}

void LinearOperation::run(Run& run) const {
  const Value& in = run.value(input);
  for (const Part& part : parts) {
    run.linears.add(*part.module, in.data(), run.rows(), run.batch.decoding.data(), run.value(part.output).data());
  }
  run.linears.run();
}

void RopeOperation::run(Run& run) const {
  const std::vector<double>& frequencies = *inverseFrequencies;
  const auto count = static_cast<int64_t>(frequencies.size());
  RopeTable& table = run.ropeTables[&frequencies];
  if (table.cosines.empty()) {
    table.cosines.resize(static_cast<size_t>(run.rows() * count));
    table.sines.resize(table.cosines.size());
    // Angles, cosines and sines are f32 numbers; the factor multiplies them as such.
    run.pool.run(run.rows(), 16, [&](int64_t first, int64_t last, int) {
      for (int64_t row = first; row < last; row += 1) {
        for (int64_t j = 0; j < count; j += 1) {
          const auto angle = static_cast<float>(run.batch.positions[static_cast<size_t>(row)] * frequencies[static_cast<size_t>(j)]);
          const auto at = static_cast<size_t>(row * count + j);
          table.cosines[at] = static_cast<float>(static_cast<float>(std::cos(static_cast<double>(angle))) * attentionFactor);
          table.sines[at] = static_cast<float>(static_cast<float>(std::sin(static_cast<double>(angle))) * attentionFactor);
        }
      }
    });
  }
  const int64_t step = interleaved ? 2 : 1, distance = interleaved ? 1 : count;
  for (const size_t index : values) {
    const Value& value = run.value(index);
    run.pool.run(run.rows(), rowsPerThread(value.width), [&](int64_t first, int64_t last, int) {
      for (int64_t row = first; row < last; row += 1) {
        const float* cosines = table.cosines.data() + row * count;
        const float* sines = table.sines.data() + row * count;
        for (float* head = value.data() + row * value.width; head < value.data() + (row + 1) * value.width; head += headSize) {
          float* x = head + offset;
          for (int64_t j = 0; j < count; j += 1) {
            const float a = x[step * j], b = x[step * j + distance];
            x[step * j] = a * cosines[j] - b * sines[j];
            x[step * j + distance] = a * sines[j] + b * cosines[j];
          }
        }
      }
    });
  }
}

void SiluMulOperation::run(Run& run) const {
  const Value& out = run.value(output);
  const float *g = run.value(gate).data(), *u = run.value(up).data();
  run.pool.run(run.rows(), rowsPerThread(out.width), [&](int64_t first, int64_t last, int) {
    for (int64_t row = first; row < last; row += 1) {
      const int64_t at = row * out.width;
      run.kernels.siluMul(g + at, u + at, out.width, out.data() + at);
    }
  });
}

void SigmoidMulOperation::run(Run& run) const {
  const Value& out = run.value(output);
  const float *g = run.value(gate).data(), *x = run.value(input).data();
  run.pool.run(run.rows(), rowsPerThread(out.width), [&](int64_t first, int64_t last, int) {
    for (int64_t row = first; row < last; row += 1) {
      const double divisor = 1 + std::exp(-static_cast<double>(g[row]));
      for (int64_t i = row * out.width; i < (row + 1) * out.width; i += 1) out.data()[i] = static_cast<float>(x[i] / divisor);
    }
  });
}

void AddOperation::run(Run& run) const {
  const Value& out = run.value(output);
  const float *l = run.value(left).data(), *r = run.value(right).data();
  run.pool.run(run.rows(), rowsPerThread(out.width), [&](int64_t first, int64_t last, int) {
    run.kernels.add(l + first * out.width, r + first * out.width, (last - first) * out.width, out.data() + first * out.width);
  });
}

void LogitsOperation::run(Run& run) const {
  const Value& in = run.value(input);
  const std::vector<int32_t>& rows = run.batch.logitRows;
  AlignedBuffer gathered(rows.size() * static_cast<size_t>(in.width) * sizeof(float));
  std::vector<uint8_t> decoding;
  for (size_t i = 0; i < rows.size(); i += 1) {
    std::memcpy(gathered.as<float>() + static_cast<int64_t>(i) * in.width, in.data() + rows[i] * in.width, static_cast<size_t>(in.width) * sizeof(float));
    decoding.push_back(run.batch.decoding[static_cast<size_t>(rows[i])]);
  }
  run.logits.resize(rows.size() * static_cast<size_t>(module->outFeatures));
  run.linears.add(*module, gathered.as<float>(), static_cast<int64_t>(rows.size()), decoding.data(), run.logits.data());
  run.linears.run();
}

}  // namespace lowbit

// Speed of the linear kernels on weights that no cache holds.
//   linear-bench [threads] [rounds] [filter] [rows]
//
// With `rows`, each variant of one row runs with that many, and prepares its input anew for every matrix, as a layer does
// that shares its input with no other.
//
// Each round runs every variant once and measures beside it how fast memory is read (and VNNI runs); the table gives
// medians over the rounds, and ratios of medians. GB/s counts packed bytes, GOPS two operations per product.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "../tests/truth.h"
#include "machine.h"

namespace {

using namespace lowbit;
using bench::seconds;

struct Variant {
  std::string name;
  InstructionSet set;
  WeightShape shape;
  Accuracy accuracy;
  int64_t rows;
  std::vector<double> times;
  bool dense = false;  // of denseType; shape has the sizes
  DenseType denseType = DenseType::f32;

  size_t bytes() const {
    return dense ? shape.outFeatures * shape.inFeatures * (denseType == DenseType::f32 ? 4 : 2) : packedBytes(shape);
  }
};

constexpr size_t coldBytes = size_t{256} << 20;

// Memory of the chain: copies of one packed matrix, one after the other.
struct Chain {
  std::unique_ptr<uint8_t, truth::Freed> memory = truth::aligned(coldBytes);
  std::vector<PackedLinear> matrices;

  void fill(const Variant& v) {
    const WeightShape& shape = v.shape;
    if (v.dense) {
      matrices.clear();
      std::memset(memory.get(), 0x3c, coldBytes);  // every type has a small number of these bytes
      for (size_t at = 0; at + v.bytes() <= coldBytes; at += v.bytes()) matrices.push_back({shape, memory.get() + at});
      return;
    }
    std::mt19937 random(1);
    truth::Layer layer = truth::randomLayer({32, shape.inFeatures, shape.groupSize, shape.codes, shape.scales, shape.zeros}, random);
    const size_t bytes = packedBytes(shape);
    matrices.clear();
    for (size_t at = 0; at + bytes <= coldBytes; at += (bytes + 63) / 64 * 64) matrices.push_back({shape, memory.get() + at});
    const BlockSource source = {layer.codes.data(), layer.scales.data(), layer.zeros.empty() ? nullptr : layer.zeros.data()};
    for (int64_t block = 0; block < blockCount(shape.outFeatures); block += 1) packBlock(matrices[0], block, source);
    for (size_t i = 1; i < matrices.size(); i += 1) std::memcpy(matrices[i].data, matrices[0].data, bytes);
  }
};

// Seconds for one pass over `count` matrices, with a barrier after each, and after the input where that is prepared too.
double pass(bench::Team& team, const Variant& v, const Chain& chain, size_t count, const PreparedInput& input, bool prepares,
            const std::vector<float>& x, std::vector<float>& y) {
  const LinearKernels& kernels = linearKernels(v.set);
  const int64_t blocks = blockCount(v.shape.outFeatures);
  const int64_t tiles = inputTiles(kernels, input.format, v.rows);
  const double start = seconds();
  for (size_t i = 0; i < count; i += 1) {
    if (prepares && !v.dense) {
      team.run([&](int thread) {
        prepareInput(kernels, input, x.data(), v.shape.inFeatures, tiles * thread / team.size(), tiles * (thread + 1) / team.size());
      });
    }
    team.run([&](int thread) {
      const int64_t first = blocks * thread / team.size(), last = blocks * (thread + 1) / team.size();
      const LinearOutput out = {y.data(), v.shape.outFeatures};
      if (v.dense) {
        const DenseLinear weight = {v.shape.outFeatures, v.shape.inFeatures, v.denseType, chain.matrices[i].data};
        forwardDense(kernels, weight, x.data(), v.shape.inFeatures, v.rows, out, first, last);
      } else {
        forward(kernels, chain.matrices[i], input, out, first, last);
      }
    });
  }
  return seconds() - start;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double spread(const std::vector<double>& values) {
  return (*std::max_element(values.begin(), values.end()) - *std::min_element(values.begin(), values.end())) / median(values);
}

std::vector<Variant> variants() {
  std::vector<Variant> list;
  const auto add = [&](const char* name, InstructionSet set, WeightShape shape, Accuracy accuracy, int64_t rows) {
    if (isAvailable(set)) list.push_back({std::string(nameOf(set)) + " " + name, set, shape, accuracy, rows, {}});
  };
  const auto shape = [](CodeType codes, int64_t group, ScaleType scales, ZeroType zeros) {
    return WeightShape{4096, 4096, group, codes, scales, zeros};
  };
  const WeightShape u4 = shape(CodeType::u4, 128, ScaleType::f16, ZeroType::u8);
  const WeightShape i4 = shape(CodeType::i4, 128, ScaleType::f16, ZeroType::none);
  const WeightShape u4g32 = shape(CodeType::u4, 32, ScaleType::f16, ZeroType::u8);
  const WeightShape i4g32 = shape(CodeType::i4, 32, ScaleType::f16, ZeroType::none);
  const WeightShape mxfp4 = shape(CodeType::f4e2m1, 32, ScaleType::bf16, ZeroType::none);
  const WeightShape i8 = shape(CodeType::i8, 4096, ScaleType::f32, ZeroType::none);
  const WeightShape fp8 = shape(CodeType::f8e4m3, 128, ScaleType::f32, ZeroType::none);
  constexpr InstructionSet sets[] = {InstructionSet::avx2, InstructionSet::avx512, InstructionSet::amx};
  for (InstructionSet set : sets) {
    add("i4 g128 int8PerGroup", set, i4, Accuracy::int8PerGroup, 1);
    add("u4 g128 zeros int8PerGroup", set, u4, Accuracy::int8PerGroup, 1);
    add("u4 g32 zeros int8PerGroup", set, u4g32, Accuracy::int8PerGroup, 1);
    add("i4 g32 int8PerGroup", set, i4g32, Accuracy::int8PerGroup, 1);
    add("u4 g128 zeros int16Planes", set, u4, Accuracy::int16Planes, 1);
    add("i4 g128 exact", set, i4, Accuracy::exact, 1);
    add("i4 g32 exact", set, i4g32, Accuracy::exact, 1);
    add("u4 g128 zeros exact", set, u4, Accuracy::exact, 1);
    add("e2m1 g32 int8PerGroup", set, mxfp4, Accuracy::int8PerGroup, 1);
    add("e2m1 g32 exact", set, mxfp4, Accuracy::exact, 1);
    add("i8 per channel int8PerToken", set, i8, Accuracy::int8PerToken, 1);
    add("i8 per channel exact", set, i8, Accuracy::exact, 1);
    add("e4m3 g128 exact", set, fp8, Accuracy::exact, 1);
    add("i4 g128 int8PerGroup", set, i4, Accuracy::int8PerGroup, 8);
    add("i4 g128 int8PerGroup", set, i4, Accuracy::int8PerGroup, 504);
    add("u4 g128 zeros int8PerGroup", set, u4, Accuracy::int8PerGroup, 504);
    add("u4 g32 zeros int8PerGroup", set, u4g32, Accuracy::int8PerGroup, 504);
    add("u4 g32 zeros int8Per128", set, u4g32, Accuracy::int8Per128, 504);
    add("i4 g32 int8PerGroup", set, i4g32, Accuracy::int8PerGroup, 504);
    add("i4 g32 int8Per128", set, i4g32, Accuracy::int8Per128, 504);
    add("i4 g32 int8Per128", set, i4g32, Accuracy::int8Per128, 1);
    add("u4 g128 zeros int16Planes", set, u4, Accuracy::int16Planes, 504);
    add("i4 g128 exact", set, i4, Accuracy::exact, 504);
    add("i8 per channel int8PerToken", set, i8, Accuracy::int8PerToken, 504);
    add("e4m3 g128 exact", set, fp8, Accuracy::exact, 504);
    for (DenseType type : {DenseType::f32, DenseType::bf16}) {
      for (int64_t rows : {1, 504}) {
        add(type == DenseType::f32 ? "dense f32" : "dense bf16", set, i8, Accuracy::exact, rows);
        if (list.empty() || list.back().set != set) continue;
        list.back().dense = true;
        list.back().denseType = type;
      }
    }
  }
  return list;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  const std::string filter = argc > 3 ? argv[3] : "";
  const int64_t rows = argc > 4 ? std::atoll(argv[4]) : 0;
  bench::Team team(threads);
  Chain chain;
  std::printf("%d threads, medians of %d rounds; %zu MiB of weights\n", threads, rounds, coldBytes >> 20);
  std::printf("%-52s %8s %8s %7s %8s %8s %7s %7s\n", "", "GB/s", "read", "", "GOPS", "VNNI", "", "spread");
  for (Variant& v : variants()) {
    if (rows > 0 && v.rows != 1) continue;
    if (rows > 0) v.rows = rows;
    v.name += ", " + std::to_string(v.rows) + (v.rows == 1 ? " row" : " rows");
    if (v.name.find(filter) == std::string::npos) continue;
    chain.fill(v);
    const LinearKernels& kernels = linearKernels(v.set);
    const InputFormat format = {v.shape.inFeatures, v.shape.groupSize, v.accuracy};
    const auto workspace = truth::aligned(inputBytes(kernels, format, v.rows));
    const PreparedInput input = {format, v.rows, workspace.get()};
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    std::vector<float> x(v.rows * v.shape.inFeatures), y(v.rows * v.shape.outFeatures), reads, peaks;
    for (float& value : x) value = normal(random);
    prepareInput(kernels, input, x.data(), v.shape.inFeatures, 0, inputTiles(kernels, format, v.rows));

    // Few rows: the whole chain, bound by memory. Many: as many matrices as take about a quarter second.
    const size_t count = v.rows <= 16 ? chain.matrices.size() : 2 * threads;
    std::vector<double> read, peak;
    volatile uint64_t sink = 0;
    for (int round = 0; round < rounds; round += 1) {
      v.times.push_back(pass(team, v, chain, count, input, rows > 0, x, y));
      const double start = seconds();
      team.run([&](int thread) {
        const size_t part = coldBytes / team.size();
        sink = sink + bench::readAll(chain.memory.get() + part * thread, part);
      });
      read.push_back(coldBytes / (seconds() - start) / 1e9);
#if defined(__x86_64__)
      if (v.rows > 16 && isAvailable(InstructionSet::avx512)) {
        const double begin = seconds();
        team.run([&](int) { bench::vnniOperations(5000000); });
        peak.push_back(5000000.0 * 12 * 64 * 2 * threads / (seconds() - begin) / 1e9);
      }
#endif
    }
    const double time = median(v.times);
    const double rate = static_cast<double>(count * v.bytes()) / time / 1e9;
    const double operations = 2.0 * count * v.rows * v.shape.inFeatures * v.shape.outFeatures / time / 1e9;
    std::printf("%-52s %8.1f %8.1f %6.0f%% %8.0f ", v.name.c_str(), rate, median(read), 100 * rate / median(read), operations);
    if (peak.empty()) {
      std::printf("%8s %7s ", "", "");
    } else {
      std::printf("%8.0f %6.0f%% ", median(peak), 100 * operations / median(peak));
    }
    std::printf("%6.0f%%\n", 100 * spread(v.times));
    std::fflush(stdout);
  }
  return 0;
}

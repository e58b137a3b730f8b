// Copies that go wrong, each in its own way: y = x over a tensor of t rows and c columns.

#include "optimized/launcher.hpp"
#include "optimized/map_launcher.cuh"
#include "optimized/simt/simt.cuh"

#include <atomic>

namespace assay::tools::broken::inline ASSAY_BUILD {

using optimized::call;

namespace {

constexpr int k_threads = 128;

using source = simt::global<const float>;
using target = simt::global<float>;

__global__ void copy(source x, target y, int count) {
  const int i = int(blockIdx.x) * k_threads + int(threadIdx.x);
  if (i < count) y[i] = float(x[i]);
}

// The last row of every 64 is zero.
__global__ void drop_rows(source x, target y, int count, int columns) {
  const int i = int(blockIdx.x) * k_threads + int(threadIdx.x);
  if (i < count) y[i] = i / columns % 64 == 63 ? 0.0f : float(x[i]);
}

__global__ void change_bits(source x, target y, int count, float salt) {
  const int i = int(blockIdx.x) * k_threads + int(threadIdx.x);
  if (i < count) y[i] = i == 5 ? salt : float(x[i]);
}

__global__ void write_past_end(source x, target y, int count) {
  const int i = int(blockIdx.x) * k_threads + int(threadIdx.x);
  if (i < count) y[i] = float(x[i]);
  if (i == 0) y[count] = 1.0f;
}

// Right, and yet it looks at what is not its own: only a sanitizer can tell.
__global__ void read_past_end(source x, target y, int count) {
  const int i = int(blockIdx.x) * k_threads + int(threadIdx.x);
  if (i < count) y[i] = float(x[i]);
  if (i == 0 && float(x[count]) == 0.0f) y[0] = float(x[0]);
}

__global__ void crash(source, target, int) { __builtin_trap(); }

__global__ void spin(source, target, int) {
  static std::atomic<int> turns{0};
  while (turns >= 0) turns = 1;
}

__global__ void spin_at_barrier(source, target, int count) {
  // NOLINTNEXTLINE(bugprone-infinite-loop): it hangs, on purpose
  while (count > 0) __syncthreads();
}

struct arguments {
  source x;
  target y;
  int count, columns;
  dim3 grid;

  explicit arguments(const call& what)
      : x(simt::bind<const float>(what.tensors[0].data, what.tensors[0].bytes())),
        y(simt::bind<float>(what.tensors[1].data, what.tensors[1].bytes())),
        count(int(what.tensors[0].elements())),
        columns(int(what.tensors[0].shape[1])),
        grid(unsigned((count + k_threads - 1) / k_threads)) {}
};

template <void (*Kernel)(source, target, int)>
void launch(const call& what, simt::queue& stream) {
  const arguments a(what);
  if (a.count == 0) return;
  simt::launch(Kernel, a.grid, dim3(k_threads), 0, stream, a.x, a.y, a.count);
}

void launch_drop_rows(const call& what, simt::queue& stream) {
  const arguments a(what);
  if (a.count == 0) return;
  simt::launch(drop_rows, a.grid, dim3(k_threads), 0, stream, a.x, a.y, a.count, a.columns);
}

void launch_change_bits(const call& what, simt::queue& stream) {
  static float salt = 0;
  const arguments a(what);
  simt::launch(change_bits, a.grid, dim3(k_threads), 0, stream, a.x, a.y, a.count, salt += 1);
}

// relu, but for one input of all.
template <class T>
struct wrong_at_two {
  static constexpr int k_inputs = 1;
  explicit wrong_at_two(const call&) {}
  SIMT_DEVICE float operator()(float x) const { return x == 2.0f ? 2.5f : x <= 0.0f ? 0.0f : x; }
};

template <class T>
struct dies_at_two {
  static constexpr int k_inputs = 1;
  explicit dies_at_two(const call&) {}
  SIMT_DEVICE float operator()(float x) const {
    if (x == 2.0f) __builtin_trap();
    return x <= 0.0f ? 0.0f : x;
  }
};

}  // namespace

std::span<const optimized::launcher> launchers() {
  static constexpr optimized::launcher k_all[] = {
      {"broken.copy.fwd", "right", launch<copy>},
      {"broken.copy.fwd", "drops_rows", launch_drop_rows},
      {"broken.copy.fwd", "changes_bits", launch_change_bits},
      {"broken.copy.fwd", "writes_past_end", launch<write_past_end>},
      {"broken.copy.fwd", "reads_past_end", launch<read_past_end>},
      {"broken.copy.fwd", "crashes", launch<crash>},
      {"broken.copy.fwd", "spins", launch<spin>},
      {"broken.copy.fwd", "spins_at_barrier", launch<spin_at_barrier>},
      {"broken.relu.fwd", "wrong_at_two", optimized::launch_map<wrong_at_two>},
      {"broken.relu.fwd", "dies_at_two", optimized::launch_map<dies_at_two>},
  };
  return k_all;
}

}  // namespace assay::tools::broken::inline ASSAY_BUILD

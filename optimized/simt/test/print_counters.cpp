// Runs the kernels of counter_kernels.cuh on the sanitized emulator, and prints what it counted and
// a hash of what they computed. compare_counters builds this with several compilers.
#include "optimized/device.cuh"
#include "optimized/simt/test/counter_kernels.cuh"

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

namespace {

using namespace assay;
using namespace assay::simt;

void print(const char* what, const counters& c) {
  const std::pair<const char*, std::uint64_t> fields[] = {
      {"loads", c.global_loads},
      {"load_bytes", c.global_load_bytes},
      {"load_sectors", c.global_load_sectors},
      {"stores", c.global_stores},
      {"store_bytes", c.global_store_bytes},
      {"store_sectors", c.global_store_sectors},
      {"atomics", c.global_atomics},
      {"atomic_bytes", c.global_atomic_bytes},
      {"atomic_sectors", c.global_atomic_sectors},
      {"shared", c.shared_accesses},
      {"wavefronts", c.shared_wavefronts},
      {"conflicts", c.shared_bank_conflicts},
      {"shared_atomics", c.shared_atomics},
      {"flops", c.tensor_core_flops},
      {"barriers", c.barriers},
      {"collectives", c.collectives}};
  std::printf("%s:", what);
  for (const auto& [name, value] : fields)
    std::printf(" %s=%llu", name, static_cast<unsigned long long>(value));
}

// FNV-1a, over 32-bit patterns.
std::uint32_t hash_of(const std::vector<float>& values) {
  std::uint32_t hash = 2166136261u;
  for (const float v : values) hash = (hash ^ bits_of(v)) * 16777619u;
  return hash;
}

template <class Kernel, class X, class... More>
void run(const char* what, Kernel kernel, dim3 grid, dim3 block, const std::vector<X>& values,
         const More&... more) {
  const optimized::device where(this_backend());
  const optimized::buffer<X> x(where, values, "x");
  optimized::buffer<float> y(where, 4096, "y");
  y.fill_bytes(std::byte{0});
  optimized::stream turn(where);
  launch(kernel, grid, block, 0, turn, bind(x), bind(y), more...);
  turn.synchronize();
  print(what, where.place().take_counters());
  std::printf(" findings=%zu hash=%08x\n", where.place().take_findings().size(),
              hash_of(y.to_vector()));
}

void run_tile(const char* what) {
  const optimized::device where(this_backend());
  std::vector<bf16> a_values, b_values;
  for (int i = 0; i < 256; ++i) a_values.push_back(to_bf16(static_cast<float>(i) / 7));
  for (int i = 0; i < 128; ++i) b_values.push_back(to_bf16(static_cast<float>(60 - i) / 3));
  const optimized::buffer<bf16> a(where, a_values, "a"), b(where, b_values, "b");
  optimized::buffer<float> d(where, 128, "d");
  optimized::stream turn(where);
  launch(test::multiply_tile<bf16>, dim3(1), dim3(32), 0, turn, bind(a), bind(b), bind(d));
  turn.synchronize();
  print(what, where.place().take_counters());
  std::printf(" findings=%zu hash=%08x\n", where.place().take_findings().size(),
              hash_of(d.to_vector()));
}

}  // namespace

int main() {
  std::vector<float> x;
  for (int i = 0; i < 4096; ++i) x.push_back(static_cast<float>(i * i % 1013) / 17);
  run("copy", test::copy_words, dim3(4), dim3(256), x, 1000);
  run("copy by vectors", test::copy_vectors, dim3(2), dim3(256), x, 2048);
  run("strided copy", test::copy_strided, dim3(1), dim3(32), x, 8);
  run("transposition", test::transpose<0>, dim3(1), dim3(32, 8), x);
  run("padded transposition", test::transpose<1>, dim3(1), dim3(32, 8), x);
  run("reduction", test::reduce, dim3(1), dim3(256), x);
  run_tile("tile of mma");
}

// Atomics, each on global and on shared memory: what they leave behind, and that each returns the
// old value.
#include "optimized/simt/test/kernel_test.cuh"

#include <algorithm>
#include <limits>
#include <set>

namespace assay::simt::inline ASSAY_BUILD::test {

// OPERATION(place, i) by every thread, on global and on shared memory, both of which begin with
// START.
template <class T, class Operation>
__global__ void by_all_threads(global<T> place, global<T> shared_result, global<T> old, T start,
                               Operation operation) {
  __shared__ array<T, 1> mine;
  const int i = static_cast<int>(threadIdx.x);
  if (i == 0) mine[0] = start;
  __syncthreads();
  old[i] = operation(&place[0], i);
  operation(&mine[0], i);
  __syncthreads();
  if (i == 0) shared_result[0] = mine[0];
}

namespace {

template <class T>
struct atomic_results {
  T on_global, on_shared;
  std::vector<T> old;
};

template <class T, class Operation>
atomic_results<T> apply(T start, Operation operation) {
  auto place = on_device(std::vector<T>{start}, "place");
  buffer<T> shared_result(this_device(), 1, "result"), old(this_device(), 100, "old");
  run_clean([&](stream& turn) {
    launch(by_all_threads<T, Operation>, dim3(1), dim3(100), 0, turn, bind(place),
           bind(shared_result), bind(old), start, operation);
  });
  return {place.to_vector()[0], shared_result.to_vector()[0], old.to_vector()};
}

template <class T, class Operation>
void expect_result(T start, Operation operation, T expected) {
  const auto results = apply(start, operation);
  EXPECT_EQ(results.on_global, expected);
  EXPECT_EQ(results.on_shared, expected);
}

}  // namespace

#define ATOMIC_OF(name, call)                                                \
  struct name {                                                              \
    template <class Place>                                                   \
    SIMT_DEVICE auto operator()(Place place, [[maybe_unused]] int i) const { \
      return call;                                                           \
    }                                                                        \
  }
ATOMIC_OF(add_one, atomicAdd(place, 1));
ATOMIC_OF(add_own, atomicAdd(place, i));
ATOMIC_OF(subtract_own, atomicSub(place, i));
ATOMIC_OF(least_of, atomicMin(place, 50 - i));
ATOMIC_OF(greatest_of, atomicMax(place, i - 50));
ATOMIC_OF(clear_bit, atomicAnd(place, ~(1 << i % 31)));
ATOMIC_OF(set_bit, atomicOr(place, 1 << i % 7));
ATOMIC_OF(flip_bit, atomicXor(place, 1 << i % 3));
ATOMIC_OF(count_to_six, atomicInc(place, 6u));
ATOMIC_OF(count_down_from_six, atomicDec(place, 6u));
ATOMIC_OF(put_own, atomicExch(place, i + 1000));
ATOMIC_OF(put_first, atomicCAS(place, -1, i));
ATOMIC_OF(add_half, atomicAdd(place, 0.5f));
ATOMIC_OF(add_quarter, atomicAdd(place, 0.25));
ATOMIC_OF(add_long, atomicAdd(place, 1ull << 40));
ATOMIC_OF(greatest_unsigned, atomicMax(place, static_cast<unsigned>(i - 50)));
ATOMIC_OF(exchange_float, atomicExch(place, static_cast<float>(i)));
#undef ATOMIC_OF

KERNEL_TEST(atomic, add_and_sub_count_every_thread) {
  expect_result(5, add_own{}, 5 + 99 * 50);
  expect_result(5, subtract_own{}, 5 - 99 * 50);
  expect_result(0.25f, add_half{}, 50.25f);
  expect_result(1.0, add_quarter{}, 26.0);
  expect_result(0ull, add_long{}, 100ull << 40);
  expect_result(std::numeric_limits<int>::max(), add_one{},
                std::numeric_limits<int>::min() + 99);  // wraps
}

KERNEL_TEST(atomic, add_returns_each_old_value_once) {
  const auto results = apply(0, add_one{});
  const std::set<int> old(results.old.begin(), results.old.end());
  EXPECT_EQ(old.size(), 100u);
  EXPECT_EQ(*old.begin(), 0);
  EXPECT_EQ(*old.rbegin(), 99);
}

KERNEL_TEST(atomic, min_and_max_keep_signed_and_unsigned_apart) {
  expect_result(7, least_of{}, -49);
  expect_result(-49, greatest_of{}, 49);
  expect_result(3u, greatest_unsigned{}, ~0u);
}

KERNEL_TEST(atomic, bits_are_cleared_set_and_flipped) {
  expect_result(-1, clear_bit{}, std::numeric_limits<int>::min());
  expect_result(0, set_bit{}, 0x7f);
  expect_result(0, flip_bit{}, 6);  // bits 0, 1, 2: 34, 33, 33 times
}

KERNEL_TEST(atomic, inc_and_dec_go_round) {
  expect_result(0u, count_to_six{}, 100u % 7);
  expect_result(9u, count_to_six{}, 99u % 7);             // beyond the last: to 0
  expect_result(0u, count_down_from_six{}, 6u - 99 % 7);  // 0 becomes 6
  expect_result(60u, count_down_from_six{}, 6u - 99 % 7);
}

KERNEL_TEST(atomic, exchange_hands_every_value_on) {
  const auto results = apply(-7, put_own{});
  std::set<int> all(results.old.begin(), results.old.end());
  all.insert(results.on_global);
  EXPECT_EQ(all.size(), 101u);
  EXPECT_EQ(*all.begin(), -7);
  EXPECT_EQ(*all.rbegin(), 1099);
  const auto floats = apply(-1.5f, exchange_float{});
  EXPECT_EQ(std::count(floats.old.begin(), floats.old.end(), -1.5f), 1);
}

KERNEL_TEST(atomic, compare_and_swap_lets_one_win) {
  const auto results = apply(-1, put_first{});
  EXPECT_EQ(std::count(results.old.begin(), results.old.end(), -1), 1);
  EXPECT_EQ(std::count(results.old.begin(), results.old.end(), results.on_global), 99);
}

__global__ void lock_and_add(global<int> lock, global<int> total) {
  if (threadIdx.x % 32 != 0) return;
  while (atomicCAS(&lock[0], 0, 1) != 0) {
  }
  __threadfence();
  total[0] = total[0] + 1;
  __threadfence();
  atomicExch(&lock[0], 0);
}

// In every build, and on any number of workers: who spins lets others run.
KERNEL_TEST(atomic, a_lock_guards_plain_accesses) {
  for (const unsigned workers : {1u, 4u}) {
    auto lock = on_device(std::vector<int>{0}, "lock"),
         total = on_device(std::vector<int>{0}, "total");
    emulation how;
    how.workers = workers;
    run_clean(
        [&](stream& turn) {
          launch(lock_and_add, dim3(20), dim3(64), 0, turn, bind(lock), bind(total));
        },
        how);
    EXPECT_EQ(total.to_vector()[0], 40);
  }
}

// PTX, atom: .add of f32 flushes subnormal operands and results on global memory, and keeps them on
// shared memory.
__global__ void add_to_both(global<float> y, global<float> on_shared, float start, float value) {
  __shared__ array<float, 1> mine;
  y[0] = mine[0] = start;
  atomicAdd(&y[0], value);
  atomicAdd(&mine[0], value);
  on_shared[0] = mine[0];
}

KERNEL_TEST(atomic, add_of_floats_flushes_subnormals_on_global_memory_alone) {
  constexpr float k_least = std::numeric_limits<float>::min();  // that is normal
  constexpr float k_small = 0.25f * k_least;
  buffer<float> y(this_device(), 1, "y"), on_shared(this_device(), 1, "on_shared");
  const auto expect_sums = [&](float start, float value, float global_sum) {
    run_clean([&](stream& turn) {
      launch(add_to_both, dim3(1), dim3(1), 0, turn, bind(y), bind(on_shared), start, value);
    });
    EXPECT_EQ(bits_of(y.to_vector()[0]), bits_of(global_sum)) << start << " + " << value;
    EXPECT_EQ(bits_of(on_shared.to_vector()[0]), bits_of(start + value)) << start << " + " << value;
  };
  expect_sums(k_small, k_small, 0.0f);
  expect_sums(-k_small, -k_small, -0.0f);
  expect_sums(k_least, k_small, k_least);
  expect_sums(k_small, -k_least, -k_least);
  expect_sums(1.5f * k_least, -k_least, 0.0f);
  expect_sums(-1.5f * k_least, k_least, -0.0f);
  expect_sums(k_least, k_least, 2 * k_least);
}

}  // namespace assay::simt::inline ASSAY_BUILD::test

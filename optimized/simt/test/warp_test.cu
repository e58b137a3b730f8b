// Shuffles, votes, matches, reductions, over the whole warp and parts of it.
#include "optimized/simt/test/kernel_test.cuh"

#include <algorithm>
#include <limits>

namespace assay::simt::inline ASSAY_BUILD::test {
enum class shuffle_kind { index, up, down, exclusive_or };

template <shuffle_kind Kind, class T>
SIMT_DEVICE T shuffled_by(unsigned lanes, T value, int argument, int width) {
  if constexpr (Kind == shuffle_kind::index) return __shfl_sync(lanes, value, argument, width);
  if constexpr (Kind == shuffle_kind::up) {
    return __shfl_up_sync(lanes, value, static_cast<unsigned>(argument), width);
  }
  if constexpr (Kind == shuffle_kind::down) {
    return __shfl_down_sync(lanes, value, static_cast<unsigned>(argument), width);
  }
  if constexpr (Kind == shuffle_kind::exclusive_or) {
    return __shfl_xor_sync(lanes, value, argument, width);
  }
}

// y[argument][lane], for all arguments from 0 to 31.
template <shuffle_kind Kind, class T>
__global__ void shuffle_all(global<T> y, int width, int scale) {
  const int lane = static_cast<int>(threadIdx.x);
  for (int argument = 0; argument < 32; ++argument) {
    y[32 * argument + lane] = shuffled_by<Kind>(
        k_full_warp, static_cast<T>(scale) * static_cast<T>(lane), argument, width);
  }
}

namespace {

// CUDA C++ Programming Guide, Warp Shuffle Functions.
int lane_read(shuffle_kind kind, int lane, int argument, int width) {
  const int first = lane / width * width, last = first + width - 1;
  switch (kind) {
    case shuffle_kind::index:
      return first + argument % width;
    case shuffle_kind::up:
      return lane - argument < first ? lane : lane - argument;
    case shuffle_kind::down:
      return lane + argument > last ? lane : lane + argument;
    // Earlier groups can be read, later ones cannot.
    case shuffle_kind::exclusive_or:
      return (lane ^ argument) > last ? lane : lane ^ argument;
  }
  return -1;
}

template <shuffle_kind Kind, class T>
void expect_shuffles(int scale) {
  for (int width = 1; width <= 32; width *= 2) {
    buffer<T> y(this_device(), 32 * 32, "y");
    run_clean([&](stream& turn) {
      launch(shuffle_all<Kind, T>, dim3(1), dim3(32), 0, turn, bind(y), width, scale);
    });
    const std::vector<T> got = y.to_vector();
    for (int i = 0; i < 32 * 32; ++i) {
      const int from = lane_read(Kind, i % 32, i / 32, width);
      ASSERT_EQ(got[static_cast<std::size_t>(i)], static_cast<T>(scale) * static_cast<T>(from))
          << "lane " << i % 32 << " argument " << i / 32 << " width " << width;
    }
  }
}

}  // namespace

KERNEL_TEST(shuffle, reads_the_named_lane) { expect_shuffles<shuffle_kind::index, int>(-3); }
KERNEL_TEST(shuffle, reads_a_lane_further_down) { expect_shuffles<shuffle_kind::up, float>(5); }
KERNEL_TEST(shuffle, reads_a_lane_further_up) { expect_shuffles<shuffle_kind::down, unsigned>(7); }
KERNEL_TEST(shuffle, reads_the_partner) { expect_shuffles<shuffle_kind::exclusive_or, double>(-9); }
KERNEL_TEST(shuffle, moves_64_bits) {
  expect_shuffles<shuffle_kind::exclusive_or, long long>(std::numeric_limits<int>::max());
}

#if !defined(__CUDACC__)
__global__ void shuffle_of_width(global<int> y, int width) {
  y[threadIdx.x] = __shfl_sync(k_full_warp, 1, 0, width);
}

KERNEL_TEST(shuffle, refuses_a_width_that_is_no_power_of_two) {
  buffer<int> y(this_device(), 32, "y");
  for (const int width : {0, 3, 33, 64}) {
    const outcome result = run([&](stream& turn) {
      launch(shuffle_of_width, dim3(1), dim3(32), 0, turn, bind(y), width);
    });
    EXPECT_NE(result.error.find("shuffle of width " + std::to_string(width)), std::string::npos)
        << result.error;
  }
}
#endif

// ---- votes

// y[lane] for lanes in LANES; the others do something else meanwhile.
template <class Vote>
__global__ void vote_by(global<unsigned> y, unsigned lanes, unsigned predicates, Vote vote) {
  const unsigned lane = threadIdx.x;
  if ((lanes >> lane & 1u) != 0) {
    y[lane] = vote(lanes, predicates >> lane & 1u);
  } else {
    y[lane] = 99;
  }
}

struct vote_all {
  SIMT_DEVICE unsigned operator()(unsigned lanes, unsigned p) const {
    return static_cast<unsigned>(__all_sync(lanes, static_cast<int>(p)));
  }
};
struct vote_any {
  SIMT_DEVICE unsigned operator()(unsigned lanes, unsigned p) const {
    return static_cast<unsigned>(__any_sync(lanes, static_cast<int>(p)));
  }
};
struct ballot {
  SIMT_DEVICE unsigned operator()(unsigned lanes, unsigned p) const {
    return __ballot_sync(lanes, static_cast<int>(p << 8));  // not zero is enough
  }
};

namespace {

constexpr unsigned k_masks[] = {0xffffffffu, 0x0000ffffu, 0xaaaaaaaau, 0x80000001u, 0x00000010u};
constexpr unsigned k_predicates[] = {0u,          0xffffffffu, 0x00000001u,
                                     0xaaaaaaaau, 0x7fffffffu, 0x12345678u};

template <class Vote, class Expect>
void expect_votes(Vote vote, Expect expect) {
  for (const unsigned lanes : k_masks) {
    for (const unsigned predicates : k_predicates) {
      buffer<unsigned> y(this_device(), 32, "y");
      run_clean([&](stream& turn) {
        launch(vote_by<Vote>, dim3(1), dim3(32), 0, turn, bind(y), lanes, predicates, vote);
      });
      const auto got = y.to_vector();
      for (unsigned lane = 0; lane < 32; ++lane) {
        ASSERT_EQ(got[lane], (lanes >> lane & 1u) != 0 ? expect(lanes, predicates) : 99u);
      }
    }
  }
}

}  // namespace

KERNEL_TEST(vote, all_is_true_when_it_is_for_every_lane_named) {
  expect_votes(vote_all{}, [](unsigned lanes, unsigned p) { return (lanes & ~p) == 0 ? 1u : 0u; });
}
KERNEL_TEST(vote, any_is_true_when_it_is_for_one_lane_named) {
  expect_votes(vote_any{}, [](unsigned lanes, unsigned p) { return (lanes & p) != 0 ? 1u : 0u; });
}
KERNEL_TEST(vote, ballot_names_the_lanes_for_which_it_is_true) {
  expect_votes(ballot{}, [](unsigned lanes, unsigned p) { return lanes & p; });
}

__global__ void match(global<unsigned> y, unsigned lanes) {
  const unsigned lane = threadIdx.x;
  if ((lanes >> lane & 1u) != 0) y[lane] = __match_any_sync(lanes, lane % 3);
}

KERNEL_TEST(vote, match_any_names_the_lanes_with_the_same_value) {
  for (const unsigned lanes : {0xffffffffu, 0x00ff00ffu}) {
    auto y = on_device(std::vector<unsigned>(32, 0), "y");
    run_clean([&](stream& turn) { launch(match, dim3(1), dim3(32), 0, turn, bind(y), lanes); });
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned same = 0;
      for (unsigned other = 0; other < 32; ++other)
        same |= other % 3 == lane % 3 ? 1u << other : 0u;
      EXPECT_EQ(y.to_vector()[lane], (lanes >> lane & 1u) != 0 ? same & lanes : 0u);
    }
  }
}

// ---- reductions

// Nine results of each lane.
__global__ void reduce_all(global<const int> x, global<int> signed_results,
                           global<unsigned> unsigned_results, unsigned lanes) {
  const int lane = static_cast<int>(threadIdx.x);
  if ((lanes >> lane & 1u) == 0) return;
  const int v = x[lane];
  const unsigned u = static_cast<unsigned>(v);
  signed_results[3 * lane] = __reduce_add_sync(lanes, v);
  signed_results[3 * lane + 1] = __reduce_min_sync(lanes, v);
  signed_results[3 * lane + 2] = __reduce_max_sync(lanes, v);
  unsigned_results[6 * lane] = __reduce_add_sync(lanes, u);
  unsigned_results[6 * lane + 1] = __reduce_min_sync(lanes, u);
  unsigned_results[6 * lane + 2] = __reduce_max_sync(lanes, u);
  unsigned_results[6 * lane + 3] = __reduce_and_sync(lanes, u);
  unsigned_results[6 * lane + 4] = __reduce_or_sync(lanes, u);
  unsigned_results[6 * lane + 5] = __reduce_xor_sync(lanes, u);
}

KERNEL_TEST(reduce, gives_every_lane_named_the_same) {
  std::vector<int> values;
  for (unsigned i = 0; i < 32; ++i) values.push_back(static_cast<int>(0x9e3779b9u * (i + 1)));
  auto x = on_device(values, "x");
  // A lane that has exited is none that a mask may name: these masks name what is there.
  for (const unsigned lanes : k_masks) {
    auto s = on_device(std::vector<int>(96, 0), "signed");
    auto u = on_device(std::vector<unsigned>(192, 0), "unsigned");
    run_clean([&](stream& turn) {
      launch(reduce_all, dim3(1), dim3(32), 0, turn, bind(std::as_const(x)), bind(s), bind(u),
             lanes);
    });
    unsigned sum = 0, conjunction = ~0u, disjunction = 0, parity = 0;
    unsigned least = ~0u, greatest = 0;
    int least_signed = std::numeric_limits<int>::max(),
        greatest_signed = std::numeric_limits<int>::min();
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((lanes >> lane & 1u) == 0) continue;
      const int v = values[lane];
      const auto p = static_cast<unsigned>(v);
      sum += p, conjunction &= p, disjunction |= p, parity ^= p;
      least = std::min(least, p), greatest = std::max(greatest, p);
      least_signed = std::min(least_signed, v), greatest_signed = std::max(greatest_signed, v);
    }
    const std::vector<int> expected_signed{static_cast<int>(sum), least_signed, greatest_signed};
    const std::vector<unsigned> expected{sum, least, greatest, conjunction, disjunction, parity};
    const auto got_signed = s.to_vector();
    const auto got = u.to_vector();
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((lanes >> lane & 1u) == 0) continue;
      EXPECT_EQ(std::vector<int>(&got_signed[3 * lane], &got_signed[3 * lane] + 3),
                expected_signed);
      EXPECT_EQ(std::vector<unsigned>(&got[6 * lane], &got[6 * lane] + 6), expected);
    }
  }
}

// Two halves of a warp meet on their own, as often as they like.
__global__ void halves_loop_differently(global<int> y) {
  const int lane = static_cast<int>(threadIdx.x);
  const unsigned half = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  int v = lane;
  for (int i = 0; i < (lane < 16 ? 3 : 8); ++i) v = __shfl_xor_sync(half, v, 1 << i % 4) + 1;
  __syncwarp();
  y[lane] = v;
}

KERNEL_TEST(shuffle, lets_halves_of_a_warp_go_their_own_ways) {
  buffer<int> y(this_device(), 32, "y");
  run_clean(
      [&](stream& turn) { launch(halves_loop_differently, dim3(1), dim3(32), 0, turn, bind(y)); });
  const auto got = y.to_vector();
  for (int lane = 0; lane < 32; ++lane) {
    // The exchanges with distances 1, 2, 4 (8, and the same again).
    EXPECT_EQ(got[static_cast<std::size_t>(lane)], lane < 16 ? (lane ^ 7) + 3 : lane + 8);
  }
}

}  // namespace assay::simt::inline ASSAY_BUILD::test

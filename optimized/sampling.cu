// What a raw call means:
//
//   greedy   logits [rows, columns], tokens [rows], int32
//   draw     logits, u [rows] in fp32, tokens; parameters temperature, top_k, top_p
//   next     logits, sequences [rows], positions [rows], int32, tokens; the same parameters, seed
//
// Rows of logits may lie any distance apart. Temperature 0 is greedy; top_k 0 and top_p 1 drop
// nothing. Sequences and positions are 32 bits of a counter, whatever they are.
#include "optimized/sampling.cuh"
#include "optimized/sampling_draw.cuh"
#include "optimized/sampling_naive.cuh"

#include <cmath>
#include <string>
#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {

namespace {

enum class sampling_variant { greedy, draw, next };

constexpr std::size_t k_logits = 0;
constexpr std::size_t k_temperature = 0, k_top_k = 1, k_top_p = 2, k_seed = 3;

template <sampling_variant Variant>
struct sampling_call {
  static constexpr bool k_draws = Variant != sampling_variant::greedy,
                        k_by_seed = Variant == sampling_variant::next;
  static constexpr std::size_t k_tokens = k_by_seed ? 3 : k_draws ? 2 : 1;
  static constexpr call_signature k_signature{"sampling", k_tokens + 1, 0,
                                              k_by_seed ? 4u
                                              : k_draws ? 3u
                                                        : 0u};

  static void check(const call& what) {
    detail::check_counts(k_signature, what);
    detail::check_floating(k_signature, what);
    const std::vector<std::int64_t>& shape = what.tensors[k_logits].shape;
    detail::check_rank(what, k_logits, 2, k_signature.name);
    if (shape[1] > k_most_columns)
      throw simt::error(k_signature.name, std::to_string(shape[1]) + " columns",
                        "2^23 at most: sums of their weights are integers of 64 bits");
    detail::check_tensor(k_signature, what, k_logits, what.tensors[k_logits].type,
                         shape[0] * shape[1]);
    detail::row_stride(k_signature, what, k_logits);
    for (std::size_t i = 1; i <= k_tokens; ++i) {
      const bool uniform = Variant == sampling_variant::draw && i == 1;
      detail::check_shape(k_signature, what, i, {shape[0]});
      detail::check_tensor(k_signature, what, i, uniform ? dtype::fp32 : dtype::int32, shape[0]);
      detail::check_contiguous(k_signature, what, i);
    }
    if constexpr (k_draws) check_settings(what.parameters);
  }

  template <class T>
  static sampling_problem<T> problem(const call& what) {
    const tensor &logits = what.tensors[k_logits], &tokens = what.tensors[k_tokens];
    sampling_problem<T> p;
    p.logits = {simt::bind<const T>(logits.data, logits.bytes()),
                detail::row_stride(k_signature, what, k_logits)};
    p.lead = int(reinterpret_cast<std::uintptr_t>(logits.data) % 16 / sizeof(T));
    p.columns = logits.shape[1];
    p.tokens = simt::bind<std::int32_t>(tokens.data, tokens.bytes());
    if constexpr (k_draws) {
      const auto temperature = float(what.parameters[k_temperature]);
      // The first of the largest alone: the smallest set with a share 0.
      const bool greedy = temperature == 0.0f;
      p.inverse = greedy ? 1.0f : 1.0f / temperature;
      p.top_k = std::int64_t(what.parameters[k_top_k]);
      p.top_p = greedy ? 0.0f : float(what.parameters[k_top_p]);
      p.share = weight(double(p.top_p) * 0x1p53);
    }
    return p;
  }

  static auto uniform(const call& what) {
    const auto ints = [&](std::size_t i) {
      return simt::bind<const std::int32_t>(what.tensors[i].data, what.tensors[i].bytes());
    };
    if constexpr (k_by_seed) {
      const auto seed = std::uint64_t(what.parameters[k_seed]);
      return philox_uniform{ints(1), ints(2), std::uint32_t(seed), std::uint32_t(seed >> 32)};
    } else {
      return given_uniform{simt::bind<const float>(what.tensors[1].data, what.tensors[1].bytes())};
    }
  }

 private:
  static void refuse_unless(bool good, const char* name, double given, const char* expected) {
    if (!good)
      throw simt::error(k_signature.name, std::string(name) + " " + std::to_string(given),
                        expected);
  }
  static bool is_count(double x) { return x >= 0 && x <= 0x1p53 && x == std::floor(x); }

  static void check_settings(const std::vector<double>& given) {
    refuse_unless(given[k_temperature] >= 0 && std::isfinite(float(given[k_temperature])),
                  "temperature", given[k_temperature], "a finite number, not negative");
    refuse_unless(is_count(given[k_top_k]), "top_k", given[k_top_k],
                  "a whole number from 0 to 2^53");
    refuse_unless(given[k_top_p] >= 0 && given[k_top_p] <= 1, "top_p", given[k_top_p], "0 to 1");
    if constexpr (k_by_seed)
      refuse_unless(is_count(given[k_seed]), "seed", given[k_seed],
                    "a whole number from 0 to 2^53");
  }
};

template <sampling_variant Variant, bool Staged, class T>
void launch_blocks(const sampling_problem<T>& p, const call& what, simt::queue& stream) {
  using of = sampling_call<Variant>;
  const dim3 grid = grid_of(of::k_signature, what, what.tensors[k_logits].shape[0]),
             block(k_staged_threads);
  const std::size_t memory = Staged ? std::size_t(p.columns) * sizeof(T) + 16 : 0;
  if constexpr (of::k_draws) {
    const auto uniform = of::uniform(what);
    simt::launch(sampling_draw<Staged, std::decay_t<decltype(uniform)>, T>, grid, block, memory,
                 stream, p, uniform);
  } else {
    simt::launch(sampling_greedy<Staged, T>, grid, block, memory, stream, p);
  }
}

template <sampling_variant Variant, class T>
void launch_naive(const sampling_problem<T>& p, const call& what, simt::queue& stream) {
  using of = sampling_call<Variant>;
  const std::int64_t rows = what.tensors[k_logits].shape[0];
  const dim3 grid = grid_of(of::k_signature, what,
                            (rows + k_naive_sampling_threads - 1) / k_naive_sampling_threads),
             block(k_naive_sampling_threads);
  if constexpr (of::k_draws) {
    const auto uniform = of::uniform(what);
    simt::launch(sampling_draw_naive<std::decay_t<decltype(uniform)>, T>, grid, block, 0, stream, p,
                 rows, uniform);
  } else {
    simt::launch(sampling_greedy_naive<T>, grid, block, 0, stream, p, rows);
  }
}

template <sampling_variant Variant, bool Naive>
void launch(const call& what, simt::queue& stream) {
  sampling_call<Variant>::check(what);
  if (what.tensors[k_logits].shape[0] == 0) return;
  const auto run = [&]<class T>(T) {
    const sampling_problem<T> p = sampling_call<Variant>::template problem<T>(what);
    if constexpr (Naive)
      launch_naive<Variant>(p, what, stream);
    else if (p.columns * std::int64_t(sizeof(T)) <= k_staged_bytes)
      launch_blocks<Variant, true>(p, what, stream);
    else
      launch_blocks<Variant, false>(p, what, stream);
  };
  const dtype type = what.tensors[k_logits].type;
  if (type == dtype::fp32) return run(float());
  if (type == dtype::bf16) return run(simt::bf16());
  run(simt::fp16());
}

template <sampling_variant Variant>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  all.push_back({function, "block", launch<Variant, false>});
  all.push_back({function, "naive", launch<Variant, true>});
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<sampling_variant::greedy>(all, "sampling.greedy.fwd");
  add_launchers<sampling_variant::draw>(all, "sampling.draw.fwd");
  add_launchers<sampling_variant::next>(all, "sampling.next.fwd");
  return all;
}

}  // namespace

std::span<const launcher> sampling_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD

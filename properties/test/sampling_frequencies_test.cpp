// Do tokens come as often as their probabilities say, and does one draw know nothing of the next?
// G-tests of the kernels, each with a false-alarm rate of 10^-6 as if its seed had been drawn: of
// all the tests here, 2 kernels by 4 settings by 4 statistics, less than 4 10^-5. Seeds are fixed,
// so that a test fails always or never. And samplers that are wrong, each of which is found.

#include "properties/harness.hpp"
#include "properties/philox.hpp"
#include "properties/sampling_rows.hpp"
#include "properties/test/g_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

namespace assay::properties {
namespace {

using settings = reference::sampling_settings<double>;

constexpr double k_false_alarm = 1e-6;
constexpr std::int64_t k_draws = 16384;
// A block of 512 threads takes the emulator half a millisecond: of those fewer, with less power.
constexpr std::int64_t k_draws_of_blocks = 1024;
constexpr double k_seed = 20;

// Two tokens that are equal, one that cannot come, and one that is rare.
const std::vector<double> k_logits = {0.5,   1,  -reference::k_infinity, 2, -1, 0.25, 1, -3.5,
                                      -0.75, 1.5};
// All tokens; fewer by number, by share and by both, at other temperatures.
const std::vector<settings> k_settings = {
    {1, 0, 1}, {double(0.7f), 5, 1}, {2, 0, 0.75}, {double(1.25f), 8, double(0.9f)}};

std::vector<double> probabilities(const settings& by) {
  std::vector<double> p = reference::kept_weights<double>(k_logits, by);
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& each : p) each /= total;
  return p;
}

// Tokens of so many neighbouring places: positions of one sequence, or sequences at one position.
using sampler = std::function<std::vector<double>(const settings& by, bool positions)>;

g_test single(const std::vector<double>& tokens, const std::vector<double>& p) {
  std::vector<double> counts(p.size());
  for (const double token : tokens) ++counts[std::size_t(token)];
  return test_frequencies(counts, p, k_false_alarm);
}

// Of places 2 i and 2 i + 1 together: as often as the product of both.
g_test paired(const std::vector<double>& tokens, const std::vector<double>& p) {
  std::vector<double> counts(p.size() * p.size()), together(counts.size());
  for (std::size_t i = 0; i + 1 < tokens.size(); i += 2)
    ++counts[std::size_t(tokens[i]) * p.size() + std::size_t(tokens[i + 1])];
  for (std::size_t i = 0; i < together.size(); ++i) together[i] = p[i / p.size()] * p[i % p.size()];
  return test_frequencies(counts, together, k_false_alarm);
}

// What an honest sampler leaves empty.
std::string found(const sampler& from, const settings& by) {
  const std::vector<double> p = probabilities(by);
  for (const bool positions : {true, false}) {
    const std::vector<double> tokens = from(by, positions);
    const std::string along = positions ? "positions" : "sequences";
    for (const double token : tokens)
      if (!(token >= 0 && token < double(p.size()))) return "no token along " + along;
    if (!single(tokens, p).passed()) return "frequencies along " + along;
    if (!paired(tokens, p).passed()) return "pairs along " + along;
  }
  return {};
}

sampler kernel(const std::string& name) {
  return [name](const settings& by, bool positions) {
    const std::int64_t draws = name == "block" ? k_draws_of_blocks : k_draws;
    case_id id{"sampling", "next", "fwd", {}, {}, {"normal", {}}, 1};
    id.types = {{"logits", dtype::fp32},
                {"sequences", dtype::int32},
                {"positions", dtype::int32},
                {"tokens", dtype::int32}};
    id.shape = {{"rows", draws},
                {"v", std::int64_t(k_logits.size())},
                {"temperature", by.temperature},
                {"top_k", double(by.top_k)},
                {"top_p", by.top_p},
                {"seed", k_seed}};
    case_inputs in = make_inputs(contract_of(id), id);
    for (std::size_t i = 0; i < in.values[k_token_logits].size(); ++i)
      in.values[k_token_logits][i] = k_logits[i % k_logits.size()];
    std::vector<double>&along = in.values[positions ? k_positions : k_sequences],
    &same = in.values[positions ? k_sequences : k_positions];
    std::iota(along.begin(), along.end(), 0.0);
    std::fill(same.begin(), same.end(), 3);
    return outputs_of({id, name, "emulator", 0}, in, {})[0];
  };
}

// The reference as a sampler, of which each step may be done wrong.
struct cpu_sampler {
  std::function<settings(settings)> takes = [](settings by) { return by; };
  std::function<void(std::vector<double>&, const settings&)> keeps = [](auto&, const auto&) {};
  std::function<double(std::uint32_t, std::uint64_t)> u = [](std::uint32_t sequence,
                                                             std::uint64_t position) {
    return element_stream(std::uint64_t(k_seed), sequence, position).uniform();
  };
  // Of the kept weights, all weights, and u.
  std::function<double(const std::vector<double>&, const std::vector<double>&, double)> draws =
      [](const auto& kept, const auto&, double of) {
        return double(reference::drawn_token(std::span<const double>(kept), of));
      };

  std::vector<double> operator()(const settings& by, bool positions) const {
    const settings taken = takes(by);
    std::vector<double> kept = reference::kept_weights<double>(k_logits, taken);
    keeps(kept, taken);
    const std::vector<double> all =
        reference::kept_weights<double>(k_logits, {taken.temperature, 0, 1});
    std::vector<double> tokens;
    for (std::int64_t i = 0; i < k_draws; ++i)
      tokens.push_back(
          draws(kept, all, positions ? u(3, std::uint64_t(i)) : u(std::uint32_t(i), 3)));
    return tokens;
  }
};

TEST(sampling_frequencies, the_kernels_draw_as_the_reference_says) {
  for (const char* name : {"block", "naive"})
    for (const settings& by : k_settings)
      EXPECT_EQ(found(kernel(name), by), "") << name << ", temperature " << by.temperature;
}

TEST(sampling_frequencies, the_reference_draws_as_it_says) {
  for (const settings& by : k_settings) EXPECT_EQ(found(cpu_sampler(), by), "");
}

// The first token at which half of its own weight and those before exceed `wanted`.
double half_a_bin_early(const std::vector<double>& kept, double wanted) {
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!(kept[i] > 0)) continue;
    last = i;
    if (sum + kept[i] / 2 > wanted) break;
    sum += kept[i];
  }
  return double(last);
}

double total_of(const std::vector<double>& weights) {
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

// Each is wrong with the settings that it has something to do with.
struct wrong_sampler {
  const char* name;
  std::size_t setting;
  cpu_sampler how;
};

std::vector<wrong_sampler> wrong_samplers() {
  std::vector<wrong_sampler> all;
  const auto add = [&](const char* name, std::size_t setting) -> cpu_sampler& {
    all.push_back({name, setting, {}});
    return all.back().how;
  };
  for (const std::size_t with : {1u, 2u, 3u})
    add("the temperature ignored", with).takes = [](settings by) {
      return settings{1, by.top_k, by.top_p};
    };
  for (const int off : {-1, 1})
    add("top-k off by one", 1).takes = [=](settings by) {
      return settings{by.temperature, by.top_k + off, by.top_p};
    };
  for (const std::size_t with : {2u, 3u})
    add("top-p without the token that crosses", with).keeps = [](auto& kept, const settings&) {
      const auto order = reference::detail::falling_order(std::span<const double>(kept));
      for (std::size_t i = order.size(); i-- > 0;)
        if (kept[order[i]] > 0) {
          kept[order[i]] = 0;
          return;
        }
    };
  for (const std::size_t with : {0u, 1u, 2u, 3u}) {
    add("u of two positions the same", with).u = [](std::uint32_t sequence, std::uint64_t at) {
      return element_stream(std::uint64_t(k_seed), sequence, at / 2).uniform();
    };
    add("u of two sequences the same", with).u = [](std::uint32_t sequence, std::uint64_t at) {
      return element_stream(std::uint64_t(k_seed), sequence / 2, at).uniform();
    };
    add("u without the position", with).u = [](std::uint32_t sequence, std::uint64_t) {
      return element_stream(std::uint64_t(k_seed), sequence, 0).uniform();
    };
    add("u in steps of 1/16", with).u = [](std::uint32_t sequence, std::uint64_t at) {
      return std::floor(element_stream(std::uint64_t(k_seed), sequence, at).uniform() * 16) / 16;
    };
    add("half a bin early", with).draws = [](const auto& kept, const auto&, double u) {
      return half_a_bin_early(kept, u * total_of(kept));
    };
    add("the token after", with).draws = [](const auto& kept, const auto&, double u) {
      const auto right = std::size_t(reference::drawn_token(std::span<const double>(kept), u));
      for (std::size_t i = right + 1; i < kept.size(); ++i)
        if (kept[i] > 0) return double(i);
      return double(right);
    };
  }
  for (const std::size_t with : {1u, 2u, 3u})
    add("the sum of what is dropped, too", with).draws = [](const auto& kept, const auto& weights,
                                                            double u) {
      const double within = std::min(u * total_of(weights) / total_of(kept), 1 - 0x1p-53);
      return double(reference::drawn_token(std::span<const double>(kept), within));
    };
  return all;
}

TEST(sampling_frequencies, wrong_samplers_are_found) {
  for (const wrong_sampler& each : wrong_samplers())
    EXPECT_NE(found(each.how, k_settings[each.setting]), "")
        << each.name << ", settings " << each.setting;
}

// The limit is one that honest draws keep: of 4,000 tests at a rate of 1 in 100 no more alarm than
// 4,000 such coins show heads but once in 10^6 (their mean is 40; Chernoff's bound, e^-(m f), f =
// h log h - h + 1 with h = 81 / 40, is 10^-7 at 81).
TEST(sampling_frequencies, alarms_are_no_more_frequent_than_stated) {
  const std::vector<double> p = {0.5, 0.25, 0.125, 0.0625, 0.0625};
  int alarms = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    std::vector<double> counts(p.size());
    for (std::uint64_t i = 0; i < 300; ++i)
      ++counts[std::size_t(reference::drawn_token(std::span<const double>(p),
                                                  element_stream(seed, 7, i).uniform()))];
    alarms += !test_frequencies(counts, p, 0.01).passed();
  }
  EXPECT_LT(alarms, 81);
}

TEST(sampling_frequencies, a_token_that_cannot_come_is_an_alarm) {
  EXPECT_FALSE(test_frequencies({1000, 999, 1}, {0.5, 0.5, 0}, k_false_alarm).passed());
  EXPECT_TRUE(test_frequencies({1000, 1000, 0}, {0.5, 0.5, 0}, k_false_alarm).passed());
}

}  // namespace
}  // namespace assay::properties

// Decoding: what its kernels move, counted; which mistakes leave the bounds; that a sequence can be
// appended to and decoded token by token.

#include "properties/attention_decode_pages.hpp"
#include "properties/test/attention_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// One sequence of `length` keys in a cache with room for `keys`.
case_inputs decode_of(dtype type, std::int64_t queries, std::int64_t keys, std::int64_t length,
                      std::int64_t group, std::int64_t width) {
  case_id id = attention_case_of("attention", "decode", type, queries, keys, width, {{"scale", 0}});
  set(id, "group", group);
  case_inputs in = inputs_of(id);
  in.values[k_fourth] = {double(length)};
  return in;
}

case_id paged_of(dtype type, std::int64_t pages, std::int64_t slots, std::int64_t width) {
  case_id id{"attention", "paged", "fwd", {}, {}, {"normal", {}}, 1};
  id.types = {{"q", type},
              {"k", type},
              {"v", type},
              {"table", dtype::int32},
              {"lengths", dtype::int32},
              {"o", type},
              {"lse", dtype::fp32}};
  id.shape = {{"batch", 1}, {"q", 1},     {"pages", pages}, {"page", 16},  {"slots", slots},
              {"heads", 1}, {"group", 1}, {"d", width},     {"scale", 0.0}};
  return id;
}

simt::counters counted_with(const case_inputs& in, const std::string& by) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = false;
  simt::backend& place = simt::sanitized_emulator();
  place.take_counters();
  outputs_of({in.id, by, "emulator", 0}, in, settings);
  EXPECT_TRUE(place.take_findings().empty());
  return place.take_counters();
}

// 1,024 keys of 128 in bf16, four splits. A block asks for its 256 keys and values, for the query
// once for each of its 8 teams, and for the length by each of 128 threads. It leaves m, l and 128
// sums; a warp reads those, m twice. So 97 % of all that moves are the keys and values, once.
TEST(decode, moves_keys_and_values_once_and_little_else) {
  const simt::counters all = counted_with(decode_of(dtype::bf16, 1, 1024, 1024, 1, 128), "split");
  const std::uint64_t cache = 2 * 1024 * 128 * 2, part = (128 + 2) * 4;
  const std::uint64_t combining = 32 * 4 + 4 * (part + 4);
  EXPECT_EQ(all.global_load_bytes, cache + 4 * (8 * 128 * 2 + 128 * 4) + combining);
  EXPECT_EQ(all.global_store_bytes, 4 * part + 128 * 2 + 4);
  const auto moved = double(all.global_load_bytes + all.global_store_bytes);
  EXPECT_GT(double(cache) / moved, 0.97);
  EXPECT_LT(double(cache) / moved, 0.98);
}

// Eight queries that share a head of keys share what is read of it.
TEST(decode, reads_the_cache_once_for_all_queries_of_a_group) {
  const auto loaded = [](std::int64_t group) {
    return counted_with(decode_of(dtype::bf16, 1, 256, 256, group, 128), "split").global_load_bytes;
  };
  EXPECT_EQ(loaded(8) - loaded(1), 7 * 8 * 128 * 2 + 0u);
  EXPECT_EQ(loaded(16), 2 * loaded(8));
}

// Room that is not used costs a block a length for each thread, and short sequences no parts.
TEST(decode, pays_for_the_keys_there_are_and_not_for_room) {
  const simt::counters exact = counted_with(decode_of(dtype::fp32, 1, 200, 200, 1, 64), "split"),
                       roomy = counted_with(decode_of(dtype::fp32, 1, 2048, 200, 1, 64), "split");
  EXPECT_EQ(exact.global_store_bytes, 64u * 4 + 4);
  EXPECT_EQ(roomy.global_store_bytes, 64u * 4 + 4);
  // Seven blocks of splits without keys; a warp that finds nothing to put together.
  EXPECT_EQ(roomy.global_load_bytes - exact.global_load_bytes, 7u * 128 * 4 + 32 * 4);
}

TEST(decode, of_pages_moves_the_table_besides) {
  case_inputs in = inputs_of(paged_of(dtype::bf16, 40, 32, 64));
  in.values[k_paged_lengths] = {509};
  const simt::counters paged = counted_with(in, "split"),
                       whole = counted_with(gathered(in), "split");
  EXPECT_EQ(paged.global_load_bytes - whole.global_load_bytes, 32u * 4);
  EXPECT_EQ(paged.global_store_bytes, whole.global_store_bytes);
  EXPECT_EQ(paged.shared_bank_conflicts, 0u);
}

TEST(decode, has_no_bank_conflicts_in_any_width_of_whole_warps) {
  for (const std::int64_t width : {32, 64, 96, 128})
    for (const dtype type : {dtype::fp32, dtype::bf16})
      for (const std::int64_t group : {1, 3, 8}) {
        const case_inputs in = decode_of(type, 1, 300, 290, group, width);
        for (const char* by : {"split", "split_64"})
          EXPECT_EQ(counted_with(in, by).shared_bank_conflicts, 0u)
              << by << " " << width << " " << name_of(type) << " " << group;
      }
}

// What the contracts' own tests of bytes rest on: a sequence of several splits, and one of one.
TEST(decode, decoys_are_one_sequence_longer_than_a_split_and_one_shorter) {
  for (const char* variant : {"decode", "paged"}) {
    const contract* of = nullptr;
    for (const contract& c : contracts())
      if (c.component == "attention" && c.variant == variant) of = &c;
    const case_inputs in = inputs_of(of->decoy_case);
    const auto& lengths = in.values[of->inputs.size() - 1];
    ASSERT_EQ(lengths.size(), 2u);
    EXPECT_GT(lengths[0], 256 + 16) << variant;
    EXPECT_GT(lengths[1], 64 + 16) << variant;
    EXPECT_LT(lengths[1], 256) << variant;
  }
}

TEST(decode, draws_pages_that_there_are_and_lengths_up_to_all_of_their_keys) {
  case_id id = paged_of(dtype::fp32, 5, 2, 1);
  set(id, "batch", std::int64_t(400));
  const case_inputs in = inputs_of(id);
  std::vector<int> drawn(5);
  for (const double entry : in.values[k_table]) ++drawn.at(std::size_t(entry));
  // Each is drawn 160 times, give or take five standard deviations.
  for (const int times : drawn) EXPECT_NEAR(times, 160, 5 * std::sqrt(800 * 0.2 * 0.8));
  const auto& lengths = in.values[k_paged_lengths];
  EXPECT_EQ(*std::min_element(lengths.begin(), lengths.end()), 0);
  EXPECT_EQ(*std::max_element(lengths.begin(), lengths.end()), 32);
  const case_inputs none = inputs_of(paged_of(dtype::fp32, 0, 9, 1));
  EXPECT_EQ(none.values[k_table], std::vector<double>(9, 0));
}

// The same sequence in caches of any size, down to the bits.
TEST(decode, gives_the_same_bits_whatever_else_there_is_room_for) {
  for (const char* by : {"naive", "split", "split_64"}) {
    const case_inputs exact = decode_of(dtype::fp16, 2, 280, 280, 2, 64);
    case_inputs roomy = exact;
    set(roomy, "k", std::int64_t(1500));
    for (const std::size_t t : {k_keys, k_values}) roomy.values[t].resize(1500 * 64, -7);
    EXPECT_EQ(outputs_of({exact.id, by, "emulator", 0}, exact, {}),
              outputs_of({roomy.id, by, "emulator", 0}, roomy, {}))
        << by;
  }
}

struct decode_kernel {
  const char* name;
  dtype type;
};
class decode_power : public testing::TestWithParam<decode_kernel> {};

prepared_case prepared_of(const case_inputs& in) {
  const contract& c = contract_of(in.id);
  return {&c, in, c.exact(in)};
}

// The kernel on other inputs, judged as if it had been given these.
bool passes(const case_inputs& truth, const char* by, const case_inputs& given) {
  const prepared_case prepared = prepared_of(truth);
  const auto got = outputs_of({given.id, by, "emulator", 0}, given, {});
  const auto verdicts = judge(prepared, *prepared.of->find(by), got);
  return std::all_of(verdicts.begin(), verdicts.end(), [](const output_verdict& v) {
    return v.strict.passed() && v.scatter.passed();
  });
}

case_inputs with_row(const case_inputs& in, std::int64_t row, int times) {
  case_inputs other = in;
  const std::int64_t width = in.id.dimension("d");
  for (const std::size_t t : {k_keys, k_values}) {
    auto& all = other.values[t];
    const auto at = all.begin() + row * width;
    const std::vector<double> copy(at, at + width);
    if (times == 0) all.erase(at, at + width);
    if (times == 2) all.insert(at, copy.begin(), copy.end());
    all.resize(in.values[t].size(), 0);
  }
  other.values[k_fourth][0] += times - 1;
  return other;
}

TEST_P(decode_power, catches_one_key_of_1024_dropped_or_counted_twice) {
  const case_inputs in = decode_of(GetParam().type, 1, 1030, 1024, 6, 32);
  for (const int times : {1, 0, 2})
    EXPECT_EQ(passes(in, GetParam().name, with_row(in, 500, times)), times == 1) << times;
}

// One key more or less than there are; each query's own key one too early or late.
TEST_P(decode_power, catches_lengths_that_are_off_by_one) {
  const case_inputs in = decode_of(GetParam().type, 4, 1030, 1000, 2, 32);
  for (const double more : {0.0, 1.0, -1.0}) {
    case_inputs given = in;
    given.values[k_fourth][0] += more;
    EXPECT_EQ(passes(in, GetParam().name, given), more == 0) << more;
  }
}

TEST_P(decode_power, catches_a_split_of_another_sequence) {
  const case_inputs in = decode_of(GetParam().type, 1, 600, 600, 2, 32);
  case_inputs given = in;
  for (const std::size_t t : {k_keys, k_values})
    for (std::size_t i = 512 * 32; i < 576 * 32; ++i)
      given.values[t][i] = in.values[t][i - 64 * 32];
  EXPECT_FALSE(passes(in, GetParam().name, given));
}

INSTANTIATE_TEST_SUITE_P(
    of, decode_power,
    testing::Values(decode_kernel{"naive", dtype::fp32}, decode_kernel{"split", dtype::fp32},
                    decode_kernel{"split", dtype::bf16}, decode_kernel{"split_64", dtype::fp16}),
    [](const auto& pair) {
      return std::string(pair.param.name) + "_" + std::string(name_of(pair.param.type));
    });

// Two sequences, whose keys and values are appended to their caches a few at a time, give at every
// step what a cache that had them from the beginning gives.
TEST(decode, of_a_cache_that_was_appended_to_is_decoding) {
  case_id id = attention_case_of("attention", "decode", dtype::bf16, 1, 12, 32, {{"scale", 0}});
  set(id, "batch", std::int64_t(2));
  set(id, "heads", std::int64_t(2));
  const case_inputs full = inputs_of(id);
  const std::int64_t row = 2 * 32, room = 12;
  std::vector<double> cache[2] = {
      std::vector<double>(full.values[k_keys].size(), reference::k_nan),
      std::vector<double>(full.values[k_keys].size(), reference::k_nan)};
  std::int64_t length = 0;
  for (const std::int64_t news : {1, 5, 1, 1, 4}) {
    for (const std::size_t t : {k_keys, k_values}) {
      case_id append{"kv_cache", "append", "fwd", {}, {}, {"normal", {}}, 1};
      append.types = {{"cache", dtype::bf16},
                      {"rows", dtype::bf16},
                      {"lengths", dtype::int32},
                      {"after", dtype::bf16}};
      append.shape = {{"batch", 2}, {"q", news}, {"k", room}, {"heads", 2}, {"d", 32}};
      case_inputs in{append, {cache[t - 1], {}, {double(length), double(length)}}, {}};
      for (std::int64_t b = 0; b < 2; ++b) {
        const auto from = full.values[t].begin() + (b * room + length) * row;
        in.values[1].insert(in.values[1].end(), from, from + news * row);
      }
      cache[t - 1] = outputs_of({append, "words", "emulator", 0}, in, {})[0];
    }
    length += news;
    case_inputs stepwise = full, whole = full;
    stepwise.values[k_keys] = cache[0], stepwise.values[k_values] = cache[1];
    stepwise.values[k_fourth] = whole.values[k_fourth] = {double(length), double(length)};
    for (const char* by : {"naive", "split"})
      EXPECT_EQ(outputs_of({id, by, "emulator", 0}, stepwise, {}),
                outputs_of({id, by, "emulator", 0}, whole, {}))
          << by << " " << length;
  }
}

}  // namespace
}  // namespace assay::properties

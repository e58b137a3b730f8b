// Embedding: which mistakes leave the bounds; ids that are none; sorting in several tiles and
// passes.

#include "properties/embedding_shape.hpp"
#include "properties/test/attention_support.hpp"

#include <gtest/gtest.h>

namespace assay::properties {
namespace {

case_id embedding_of(const std::string& function, dtype type, std::int64_t batch,
                     std::int64_t length, std::int64_t tokens, std::int64_t width,
                     const std::string& from = "normal") {
  const std::size_t dot = function.find('.');
  case_id id{"embedding", function.substr(0, dot), function.substr(dot + 1), {}, {}, {from, {}}, 5};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back(
          {each.name, each.name == "ids" || each.name == "lengths" ? dtype::int32 : type});
  id.shape = {{"batch", batch}, {"t", length}, {"v", tokens}, {"positions", length}, {"c", width}};
  return id;
}

std::vector<std::vector<double>> run_of(const case_inputs& in, const std::string& by) {
  return outputs_of({in.id, by, "emulator", 0}, in, {});
}

TEST(embedding, catches_an_id_and_a_position_that_are_off_by_one) {
  const case_id id = embedding_of("tokens.fwd", dtype::bf16, 2, 8, 11, 24);
  EXPECT_TRUE(passes(id, "gather", inputs_of(id)));
  case_inputs next = inputs_of(id), shifted = next;
  double& last = next.values[k_embedding_forward.ids].back();
  last = last > 0 ? last - 1 : 1;
  EXPECT_FALSE(passes(id, "gather", next));
  auto& positions = shifted.values[k_embedding_forward.positions];
  std::rotate(positions.begin(), positions.begin() + 24, positions.end());
  EXPECT_FALSE(passes(id, "gather", shifted));
}

// In a sum over 1024 rows of dx.
TEST(embedding, catches_one_token_of_1024_left_out_or_met_twice) {
  for (const dtype type : {dtype::fp32, dtype::bf16})
    for (const char* by : {"sorted", "naive", "atomic"}) {
      const case_id id = embedding_of("tokens.bwd", type, 4, 256, 1, 8);
      EXPECT_TRUE(passes(id, by, inputs_of(id)));
      for (const double times : {0.0, 2.0}) {
        case_inputs in = inputs_of(id);
        for (std::size_t c = 0; c < 8; ++c)
          in.values[k_embedding_backward.dx][500 * 8 + c] *= times;
        EXPECT_FALSE(passes(id, by, in)) << by;
      }
    }
}

// The id is not followed, whatever it is: memcheck would see it, and the row is NaN. All else is as
// it was; so is the gradient, which nobody gets.
TEST(embedding, does_not_follow_an_id_that_is_no_token) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  const case_inputs in = inputs_of(embedding_of("tokens.fwd", dtype::fp16, 2, 3, 5, 12)),
                    back = inputs_of(embedding_of("tokens.bwd", dtype::fp16, 2, 3, 5, 12));
  const auto whole = run_of(in, "gather")[0];
  for (const double id : {-1.0, 5.0, 0x1p31 - 1, -0x1p31}) {
    case_inputs strange = in;
    strange.values[k_embedding_forward.ids][4] = id;
    const auto x = outputs_of({in.id, "gather", "emulator", 0}, strange, settings)[0];
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_TRUE(i / 12 == 4 ? std::isnan(x[i]) : x[i] == whole[i]) << id << " at " << i;
    for (const char* by : {"sorted", "naive", "atomic"}) {
      case_inputs lost = back, zero = back;
      lost.values[k_embedding_backward.ids][4] = id;
      std::fill_n(zero.values[k_embedding_backward.dx].begin() + 4 * 12, 12, 0);
      const auto got = outputs_of({back.id, by, "emulator", 0}, lost, settings);
      EXPECT_EQ(got[0], run_of(zero, by)[0]) << by;
      EXPECT_EQ(got[1], run_of(back, by)[1]) << by;
    }
  }
  EXPECT_TRUE(simt::sanitized_emulator().take_findings().empty());
}

// A length that is off by one is caught; one that leads out of the table is not followed, and its
// sequence's rows alone are NaN.
TEST(embedding, goes_on_where_each_sequence_is) {
  case_id id = embedding_of("offset.fwd", dtype::bf16, 3, 4, 11, 24);
  set(id, "positions", std::int64_t(9));
  const case_inputs in = inputs_of(id);
  EXPECT_TRUE(passes(id, "gather", in));
  const double own = in.values[k_embedding_lengths][1];  // 0 to 5
  const auto whole = run_of(in, "gather")[0];
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  for (const double length : {own > 0 ? own - 1 : 1, 6.0, -1.0, 0x1p31 - 1, -0x1p31}) {
    case_inputs other = in;
    other.values[k_embedding_lengths][1] = length;
    const auto x = outputs_of({id, "gather", "emulator", 0}, other, settings)[0];
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double place = length + double(i / 24 % 4);
      if (i / 96 != 1)
        EXPECT_EQ(x[i], whole[i]) << length << " at " << i;
      else if (place < 0 || place >= 9)
        EXPECT_TRUE(std::isnan(x[i])) << length << " at " << i;
      else
        EXPECT_FALSE(std::isnan(x[i])) << length << " at " << i;
    }
    EXPECT_FALSE(passes(id, "gather", other));
  }
  EXPECT_TRUE(simt::sanitized_emulator().take_findings().empty());
}

// More ids than a tile of 4096; tokens of one, two and three digits of 8 bits. Sums of both go from
// the first token to the last, so that places in another order would show.
TEST(embedding, sorts_ids_of_several_tiles_as_they_stand) {
  for (const auto& [length, tokens] : {std::pair<std::int64_t, std::int64_t>{4500, 1},
                                       {4500, 3},
                                       {4500, 255},
                                       {8193, 256},
                                       {4500, 300},
                                       {100, 65535},
                                       {100, 65536}}) {
    const case_inputs in = inputs_of(embedding_of("tokens.bwd", dtype::fp32, 1, length, tokens, 1));
    EXPECT_EQ(run_of(in, "sorted"), run_of(in, "naive")) << tokens;
  }
}

}  // namespace
}  // namespace assay::properties

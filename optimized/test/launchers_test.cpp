// Launchers on raw tensors: calls that they must refuse, and calls whose results must be the same
// bits.

#include "optimized/device.hpp"
#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <functional>

namespace assay::optimized {
namespace {

const launcher& launcher_of(std::string_view function) {
  const bool rows = function.substr(0, 7) == "softmax";
  return *find_launcher(simt::build::plain, function, rows ? "online" : "fused");
}

// ---- calls that are refused

// Any address will do: nothing is touched.
call call_of(std::size_t tensors, std::int64_t count, dtype type) {
  call what;
  for (std::size_t t = 0; t < tensors; ++t)
    what.tensors.push_back({reinterpret_cast<void*>(0x10000), type, {count}});
  return what;
}

call scaled_gradient_call(std::int64_t count, dtype type) {
  call what = call_of(4, count, type);
  what.tensors[3] = {reinterpret_cast<void*>(0x10000), dtype::fp32, {}};
  what.parameters = {0.75};
  what.workspace_bytes = std::size_t(count);
  return what;
}

std::string refusal(std::string_view function, const call& what) {
  return optimized::refusal(launcher_of(function), what);
}

const std::vector<mistake> k_mistakes = {
    {"2 tensors; expected 3", [](call& c) { c.tensors.pop_back(); }},
    {"0 tensors; expected 3", [](call& c) { c.tensors.clear(); }},
    {"dtype fp64; expected fp32, bf16 or fp16",
     [](call& c) {
       for (tensor& t : c.tensors) t.type = dtype::fp64;
     }},
    {"tensor 1 is fp16; expected bf16", [](call& c) { c.tensors[1].type = dtype::fp16; }},
    {"tensor 2 is fp32; expected bf16", [](call& c) { c.tensors[2].type = dtype::fp32; }},
    {"tensor 1 has 999 elements; expected 1000", [](call& c) { c.tensors[1].shape = {999}; }},
    {"tensor 2 has 1001 elements; expected 1000",
     [](call& c) {
       c.tensors[2].shape = {7, 143};
     }},
    {"tensor 1 lies across its elements' alignment; expected an address divisible by 2",
     [](call& c) { c.tensors[1].data = reinterpret_cast<void*>(0x10001); }},
    {"1 parameters; expected 0", [](call& c) { c.parameters.push_back(1); }},
    {"tensor 1 has strides; expected a contiguous one",
     [](call& c) { c.tensors[1].strides = {1}; }},
    {"70368744177664 elements; expected fewer: the grid has at most 2^31 - 1 blocks",
     [](call& c) {
       for (tensor& t : c.tensors) t.shape = {std::int64_t(1) << 46};
     }},
};

TEST(launchers, of_element_wise_functions_refuse_what_they_do_not_take) {
  for (const mistake& each : k_mistakes) {
    call what = call_of(3, 1000, dtype::bf16);
    each.make(what);
    EXPECT_EQ(refusal("gelu.erf.bwd", what), std::string("map: ") + each.message);
  }
  call unscaled = call_of(2, 1000, dtype::fp32);
  EXPECT_EQ(refusal("gelu.scaled.fwd", unscaled), "map: 0 parameters; expected 1");
}

const std::vector<mistake> k_mistakes_of_scaled = {
    {"3 tensors; expected 4", [](call& c) { c.tensors.pop_back(); }},
    {"tensor 2 is fp16; expected bf16", [](call& c) { c.tensors[2].type = dtype::fp16; }},
    {"tensor 3 is bf16; expected fp32", [](call& c) { c.tensors[3].type = dtype::bf16; }},
    {"tensor 1 has 1 elements; expected 1000", [](call& c) { c.tensors[1].shape = {}; }},
    {"tensor 3 has 1000 elements; expected 1", [](call& c) { c.tensors[3].shape = {1000}; }},
    {"0 parameters; expected 1", [](call& c) { c.parameters.clear(); }},
    {"scratch memory of 3 bytes; expected 4", [](call& c) { c.workspace_bytes = 3; }},
    {"70368744177664 elements; expected fewer: the grid has at most 2^31 - 1 blocks",
     [](call& c) {
       for (int t : {0, 1, 2}) c.tensors[std::size_t(t)].shape = {std::int64_t(1) << 46};
       c.workspace_bytes = std::size_t(1) << 46;
     }},
};

TEST(launchers, of_the_scaled_gradient_refuse_what_they_do_not_take) {
  for (const mistake& each : k_mistakes_of_scaled) {
    call what = scaled_gradient_call(1000, dtype::bf16);
    each.make(what);
    EXPECT_EQ(refusal("gelu.scaled.bwd", what), std::string("gelu.scaled.bwd: ") + each.message);
  }
}

// Scores and results of 2 matrices of 3 queries and 5 keys, and what masks them between.
call masked_call(const tensor& mask) {
  call what = call_of(2, 0, dtype::fp32);
  for (tensor& t : what.tensors) t.shape = {2, 3, 5};
  what.tensors.insert(what.tensors.begin() + 1, mask);
  what.tensors[1].data = what.tensors[0].data;
  return what;
}

const std::vector<mistake> k_mistakes_of_rows = {
    {"2 tensors; expected 3", [](call& c) { c.tensors.pop_back(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 2 is bf16; expected fp32", [](call& c) { c.tensors[2].type = dtype::bf16; }},
    {"tensor 2 is [2, 5, 3]; expected [2, 3, 5]",
     [](call& c) {
       c.tensors[2].shape = {2, 5, 3};
     }},
    {"a tensor of rank 2; expected rank 3",
     [](call& c) {
       c.tensors[0].shape = {6, 5};
     }},
    {"tensor 0 has strides; expected one for each of its dimensions",
     [](call& c) {
       c.tensors[0].strides = {5, 1};
     }},
    {"tensor 2 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[2].strides = {30, 10, 2};
     }},
    {"tensor 2 has strides; expected rows that do not overlap",
     [](call& c) {
       c.tensors[2].strides = {12, 4, 1};
     }},
    {"tensor 0 has strides; expected rows at one distance through all matrices",
     [](call& c) {
       c.tensors[0].strides = {19, 6, 1};
     }},
};

TEST(launchers, of_softmax_refuse_what_they_do_not_take) {
  const tensor lengths{nullptr, dtype::int32, {2}}, added{nullptr, dtype::fp32, {3, 5}};
  const auto expect_refused = [](std::string_view function, const call& right,
                                 const mistake& made) {
    call what = right;
    made.make(what);
    EXPECT_EQ(refusal(function, what), std::string("softmax: ") + made.message);
  };
  for (const mistake& each : k_mistakes_of_rows) {
    expect_refused("softmax.padding.fwd", masked_call(lengths), each);
    expect_refused("softmax.additive.fwd", masked_call(added), each);
  }
  expect_refused(
      "softmax.padding.fwd", masked_call(lengths),
      {"tensor 1 is fp32; expected int32", [](call& c) { c.tensors[1].type = dtype::fp32; }});
  expect_refused(
      "softmax.padding.fwd", masked_call(lengths),
      {"tensor 1 has 6 elements; expected 2", [](call& c) { c.tensors[1].shape = {6}; }});
  expect_refused("softmax.padding.fwd", masked_call(lengths),
                 {"tensor 1 has strides; expected a contiguous one",
                  [](call& c) { c.tensors[1].strides = {2}; }});
  expect_refused("softmax.additive.fwd", masked_call(added),
                 {"tensor 1 is [5, 3]; expected [3, 5]", [](call& c) {
                    c.tensors[1].shape = {5, 3};
                  }});
  expect_refused(
      "softmax.additive.fwd", masked_call(added),
      {"tensor 1 is bf16; expected fp32", [](call& c) { c.tensors[1].type = dtype::bf16; }});
}

// ---- alignment and overlay

// Three blocks of fp32, two of 16 bits, the last with a ragged end.
constexpr std::int64_t k_count = 20003;

using bytes = std::vector<std::byte>;

// Numbers in [-4, 4) as fp32, or as bf16 by their upper halves.
bytes numbers(dtype type, std::uint32_t salt) {
  bytes all(std::size_t(k_count) * size_of(type));
  for (std::uint32_t i = 0; i < k_count; ++i) {
    const float x = float((i + salt) * 2654435761u >> 8) * 0x1p-21f - 4;
    const auto bits = std::bit_cast<std::uint32_t>(x) >> (type == dtype::bf16 ? 16 : 0);
    std::memcpy(all.data() + i * size_of(type), &bits, type == dtype::bf16 ? 2 : 4);
  }
  return all;
}

// Where x, dy and dx begin, in bytes from a 256-byte boundary. dx may lie on x or on dy.
struct placement {
  std::size_t x, dy, dx;
  enum { apart, on_x, on_dy } overlay = apart;
};

struct gradients {
  bytes dx, dalpha;
};

gradients run(std::string_view function, dtype type, const placement& at) {
  const device where(simt::plain_emulator());
  const bytes x_bytes = numbers(type, 1), dy_bytes = numbers(type, 77);
  buffer<std::byte> x(where, x_bytes.size() + 256), dy(where, x_bytes.size() + 256),
      dx(where, x_bytes.size() + 256), dalpha(where, 4);
  simt::backend& place = where.place();
  place.copy(x.data() + at.x, x_bytes.data(), x_bytes.size(), simt::direction::to_device);
  place.copy(dy.data() + at.dy, dy_bytes.data(), dy_bytes.size(), simt::direction::to_device);
  std::byte* const out = at.overlay == placement::on_x    ? x.data() + at.x
                         : at.overlay == placement::on_dy ? dy.data() + at.dy
                                                          : dx.data() + at.dx;
  call what;
  for (std::byte* data : {x.data() + at.x, dy.data() + at.dy, out})
    what.tensors.push_back({data, type, {k_count}});
  const launcher& by = launcher_of(function);
  if (by.workspace) {
    what.tensors.push_back({dalpha.data(), dtype::fp32, {}});
    what.parameters = {0.75};
    what.workspace_bytes = by.workspace(what);
  }
  buffer<std::byte> scratch(where, what.workspace_bytes);
  what.workspace = scratch.data();
  stream turn(where);
  by.launch(what, turn);
  turn.synchronize();
  gradients result{bytes(x_bytes.size()), dalpha.to_vector()};
  place.copy(result.dx.data(), out, result.dx.size(), simt::direction::to_host);
  return result;
}

void expect_same_bits(std::string_view function, dtype type, const placement& at) {
  const gradients aligned = run(function, type, {0, 0, 0}), other = run(function, type, at);
  const std::string where = std::string(function) + " in " + std::string(name_of(type)) + " at " +
                            std::to_string(at.x) + "," + std::to_string(at.dy) + "," +
                            std::to_string(at.dx) + " overlay " + std::to_string(at.overlay);
  EXPECT_TRUE(other.dx == aligned.dx) << where;
  if (launcher_of(function).workspace) {
    EXPECT_TRUE(other.dalpha == aligned.dalpha) << where;
  }
}

constexpr std::string_view k_gradients[] = {"gelu.erf.bwd", "gelu.scaled.bwd"};

TEST(launchers, give_the_same_bits_whatever_the_alignment) {
  for (std::string_view function : k_gradients)
    for (dtype type : {dtype::fp32, dtype::bf16}) {
      const std::size_t e = size_of(type);
      for (const placement& at :
           {placement{16, 0, 32}, placement{8, 8, 8}, placement{e, e, e}, placement{16 - e, 0, 0},
            placement{0, e, 8}, placement{e, 2 * e, 3 * e}})
        expect_same_bits(function, type, at);
    }
}

TEST(launchers, of_gradients_may_write_over_either_input) {
  for (std::string_view function : k_gradients)
    for (dtype type : {dtype::fp32, dtype::bf16})
      for (const placement& at :
           {placement{0, 0, 0, placement::on_x}, placement{0, 0, 0, placement::on_dy},
            placement{8, 8, 8, placement::on_dy}, placement{0, 8, 0, placement::on_x},
            placement{0, 8, 0, placement::on_dy}})
        expect_same_bits(function, type, at);
}

}  // namespace
}  // namespace assay::optimized

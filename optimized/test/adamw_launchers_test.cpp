// The launchers of AdamW as anybody calls them: what they refuse, and that every output may lie
// where its input does.

#include "optimized/device.hpp"
#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace assay::optimized {
namespace {

const char* const k_kernels[] = {"words", "plain"};

const launcher& launcher_of(const char* by, const char* function = "adamw.step.fwd",
                            simt::build build = simt::build::plain) {
  return *find_launcher(build, function, by);
}

// Any address will do: nothing is touched.
call right_call(bool copied) {
  const auto of = [](dtype type, const std::vector<std::int64_t>& shape) {
    return tensor{reinterpret_cast<void*>(0x10000), type, shape};
  };
  call what;
  what.tensors.assign(8, of(dtype::fp32, {40}));
  what.tensors[1] = of(dtype::bf16, {40});
  what.tensors[4] = of(dtype::fp32, {});
  if (copied) what.tensors.push_back(of(dtype::bf16, {40}));
  what.parameters = {0.001, 0.9, 0.999, 1e-8, 0.01, 3};
  return what;
}

const std::vector<mistake> k_mistakes = {
    {"5 parameters; expected 6", [](call& c) { c.parameters.pop_back(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[1].type = dtype::int32; }},
    {"tensor 0 is bf16; expected fp32", [](call& c) { c.tensors[0].type = dtype::bf16; }},
    {"tensor 2 is fp16; expected fp32", [](call& c) { c.tensors[2].type = dtype::fp16; }},
    {"tensor 3 has 39 elements; expected 40", [](call& c) { c.tensors[3].shape = {39}; }},
    {"tensor 4 has 40 elements; expected 1", [](call& c) { c.tensors[4].shape = {40}; }},
    {"tensor 7 has 41 elements; expected 40", [](call& c) { c.tensors[7].shape = {41}; }},
    {"tensor 6 has strides; expected a contiguous one",
     [](call& c) { c.tensors[6].strides = {2}; }},
    {"tensor 5 lies across its elements' alignment; expected an address divisible by 4",
     [](call& c) { c.tensors[5].data = reinterpret_cast<void*>(0x10002); }},
    {"beta1 1.000000; expected 0 or more, and as fp32 less than 1",
     [](call& c) { c.parameters[1] = 1 - 1e-12; }},
    {"beta2 -0.500000; expected 0 or more, and as fp32 less than 1",
     [](call& c) { c.parameters[2] = -0.5; }},
    {"step 0.000000; expected a whole number from 1 to 2^24", [](call& c) { c.parameters[5] = 0; }},
    {"step 1.500000; expected a whole number from 1 to 2^24",
     [](call& c) { c.parameters[5] = 1.5; }},
    {"step 16777217.000000; expected a whole number from 1 to 2^24",
     [](call& c) { c.parameters[5] = 0x1p24 + 1; }},
    {"70368744177664 elements; expected fewer: the grid has at most 2^31 - 1 blocks",
     [](call& c) {
       for (std::size_t t = 0; t < c.tensors.size(); ++t)
         if (t != 4) c.tensors[t].shape = {std::int64_t(1) << 46};
     }},
};

const std::vector<mistake> k_mistakes_of_a_step = {
    {"7 tensors; expected 8", [](call& c) { c.tensors.pop_back(); }},
    {"9 tensors; expected 8", [](call& c) { c.tensors.push_back(c.tensors[1]); }},
};
const std::vector<mistake> k_mistakes_of_a_copy = {
    {"8 tensors; expected 9", [](call& c) { c.tensors.pop_back(); }},
    {"tensor 8 is fp32; expected bf16 or fp16", [](call& c) { c.tensors[8].type = dtype::fp32; }},
    {"tensor 8 is fp32; expected bf16 or fp16",
     [](call& c) { c.tensors[1].type = c.tensors[8].type = dtype::fp32; }},
    {"tensor 8 is int32; expected bf16 or fp16",
     [](call& c) { c.tensors[1].type = dtype::fp32, c.tensors[8].type = dtype::int32; }},
    {"tensor 8 is fp16; expected bf16", [](call& c) { c.tensors[8].type = dtype::fp16; }},
    {"tensor 8 is bf16; expected fp16", [](call& c) { c.tensors[1].type = dtype::fp16; }},
    {"tensor 8 has 39 elements; expected 40", [](call& c) { c.tensors[8].shape = {39}; }},
    {"tensor 8 has strides; expected a contiguous one",
     [](call& c) { c.tensors[8].strides = {2}; }},
    {"tensor 8 lies across its elements' alignment; expected an address divisible by 2",
     [](call& c) { c.tensors[8].data = reinterpret_cast<void*>(0x10001); }},
};

TEST(adamw_launchers, refuse_what_they_do_not_take) {
  for (const bool copied : {false, true})
    for (const auto* mistakes :
         {&k_mistakes, copied ? &k_mistakes_of_a_copy : &k_mistakes_of_a_step})
      for (const char* by : k_kernels)
        for (const mistake& each : *mistakes) {
          call what = right_call(copied);
          each.make(what);
          const launcher& taking = launcher_of(by, copied ? "adamw.copied.fwd" : "adamw.step.fwd");
          EXPECT_EQ(refusal(taking, what), std::string("adamw: ") + each.message) << by;
        }
}

// Weight, mean and square, 3 steps of 2,051 elements: where they were, or elsewhere; with a copy of
// the weights in bf16, or without.
std::vector<float> after_steps(const char* by, bool in_place, bool copied) {
  constexpr std::int64_t k_count = 2051;
  simt::backend& place = simt::plain_emulator();
  const auto made = [&](float first) {
    std::vector<float> all(k_count);
    for (std::int64_t i = 0; i < k_count; ++i) all[std::size_t(i)] = first + 0.001f * float(i);
    auto* const data = place.allocate(k_count * sizeof(float), "array");
    place.copy(data, all.data(), k_count * sizeof(float), simt::direction::to_device);
    return tensor{data, dtype::fp32, {k_count}};
  };
  call what;
  what.tensors = {made(-1), made(0.5f), made(0.25f), made(2), made(0.75f)};
  what.tensors[4].shape = {1};
  const std::size_t olds[] = {0, 2, 3};
  for (const std::size_t old : olds) what.tensors.push_back(in_place ? what.tensors[old] : made(0));
  if (copied) {
    what.tensors.push_back(made(0));
    what.tensors.back().type = dtype::bf16;
  }
  const std::unique_ptr<simt::queue> stream = place.make_queue();
  for (int step = 1; step <= 3; ++step) {
    what.parameters = {0.125, 0.9, 0.999, 1e-8, 0.01, double(step)};
    launcher_of(by, copied ? "adamw.copied.fwd" : "adamw.step.fwd").launch(what, *stream);
    stream->synchronize();
    for (std::size_t k = 0; k < 3; ++k)
      if (!in_place) std::swap(what.tensors[olds[k]].data, what.tensors[5 + k].data);
  }
  std::vector<float> all(3 * k_count);
  for (std::size_t k = 0; k < 3; ++k)
    place.copy(all.data() + k * k_count, what.tensors[olds[k]].data, k_count * sizeof(float),
               simt::direction::to_host);
  for (std::size_t t = 0; t < what.tensors.size(); ++t)
    if (t < 5 || t == 8 || !in_place) place.free(what.tensors[t].data);
  return all;
}

TEST(adamw_launchers, step_in_place_as_elsewhere) {
  const std::vector<float> expected = after_steps("plain", false, false);
  for (const bool copied : {false, true})
    for (const char* by : k_kernels)
      for (const bool in_place : {false, true})
        EXPECT_EQ(after_steps(by, in_place, copied), expected) << by << copied << in_place;
}

// Stores of warps for 4,096 elements by `words`, of which the copy begins so many bytes behind a
// multiple of 256 and all else at one. The sanitizer sees accesses that are misaligned.
std::uint64_t stores_of(dtype gradient, dtype copy, std::size_t behind) {
  constexpr std::int64_t k_count = 4096;
  simt::backend& place = simt::sanitized_emulator();
  std::vector<void*> taken;
  const auto made = [&](dtype type, std::int64_t count) {
    taken.push_back(place.allocate(std::size_t(count) * size_of(type) + 16, "array"));
    place.fill(taken.back(), std::byte(0), std::size_t(count) * size_of(type) + 16);
    return tensor{taken.back(), type, {count}};
  };
  call what;
  for (std::size_t t = 0; t < 8; ++t)
    what.tensors.push_back(made(t == 1 ? gradient : dtype::fp32, t == 4 ? 1 : k_count));
  what.tensors.push_back(made(copy, k_count));
  what.tensors[8].data = static_cast<std::byte*>(what.tensors[8].data) + behind;
  what.parameters = {0.125, 0.9, 0.999, 1e-8, 0.01, 1};
  const std::unique_ptr<simt::queue> stream = place.make_queue();
  place.take_counters();
  launcher_of("words", "adamw.copied.fwd", simt::build::sanitized).launch(what, *stream);
  stream->synchronize();
  EXPECT_TRUE(place.take_findings().empty());
  const std::uint64_t stores = place.take_counters().global_stores;
  for (void* each : taken) place.free(each);
  return stores;
}

// A copy's words are as long as hold a group: beside gradients of fp32 8 bytes, so that part of a
// model which begins at 16 bytes in fp32 is moved by words although its copy does not.
TEST(adamw_launchers, copy_by_words_wherever_they_fit) {
  constexpr std::uint64_t k_warps = 4096 / 32, k_by_words = 3 * k_warps / 4;
  for (const dtype copy : {dtype::bf16, dtype::fp16}) {
    EXPECT_EQ(stores_of(dtype::fp32, copy, 0), k_by_words + k_warps / 4);
    EXPECT_EQ(stores_of(dtype::fp32, copy, 8), k_by_words + k_warps / 4);
    EXPECT_EQ(stores_of(dtype::fp32, copy, 4), 4 * k_warps);
    EXPECT_EQ(stores_of(copy, copy, 0), k_by_words + k_warps / 8);
    EXPECT_EQ(stores_of(copy, copy, 8), 4 * k_warps);
  }
}

}  // namespace
}  // namespace assay::optimized

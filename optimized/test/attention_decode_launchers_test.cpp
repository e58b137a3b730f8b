// The launchers of decoding and of appending to a cache, as anybody calls them: what they refuse.

#include "optimized/launcher.hpp"
#include "optimized/test/refusal.hpp"

#include <gtest/gtest.h>

namespace assay::optimized {
namespace {

// Any address will do: nothing is touched.
tensor of(const std::vector<std::int64_t>& shape, dtype type) {
  return {reinterpret_cast<void*>(0x10000), type, shape};
}

// 2 batches, 5 queries, 3 heads of 2 queries' each, room for 700 keys: on 4 of 9 pages of 175.
call right_call(bool paged, std::int64_t width = 8) {
  constexpr dtype k_type = dtype::fp32;
  call what;
  const std::vector<std::int64_t> cache = paged ? std::vector<std::int64_t>{9, 175, 3, width}
                                                : std::vector<std::int64_t>{2, 700, 3, width};
  what.tensors = {of({2, 5, 3, 2, width}, k_type), of(cache, k_type), of(cache, k_type)};
  if (paged) what.tensors.push_back(of({2, 4}, dtype::int32));
  what.tensors.push_back(of({2}, dtype::int32));
  what.tensors.push_back(of({2, 5, 3, 2, width}, k_type));
  what.tensors.push_back(of({2, 3, 2, 5}, dtype::fp32));
  what.parameters = {0};
  what.workspace_bytes = std::size_t(1) << 30;
  return what;
}

std::string refused(const char* function, const char* implementation, const call& what) {
  return refusal(*find_launcher(simt::build::plain, function, implementation), what);
}

constexpr const char* k_kernels[] = {"naive", "split", "split_64"};

const std::vector<mistake> k_mistakes = {
    {"5 tensors; expected 6", [](call& c) { c.tensors.pop_back(); }},
    {"0 parameters; expected 1", [](call& c) { c.parameters.clear(); }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 2 is bf16; expected fp32", [](call& c) { c.tensors[2].type = dtype::bf16; }},
    {"tensor 3 is fp32; expected int32", [](call& c) { c.tensors[3].type = dtype::fp32; }},
    {"tensor 0 is of rank 4; expected 5", [](call& c) { c.tensors[0].shape.pop_back(); }},
    {"tensor 1 has an extent of 2147483648; expected 0 to 2^31 - 1",
     [](call& c) { c.tensors[1].shape[1] = std::int64_t(1) << 31; }},
    {"tensor 1 is [2, 700, 4, 8]; expected [2, 700, 3, 8]",
     [](call& c) { c.tensors[1].shape[2] = 4; }},
    {"tensor 2 is [2, 6, 3, 8]; expected [2, 700, 3, 8]",
     [](call& c) { c.tensors[2].shape[1] = 6; }},
    {"tensor 3 is [3]; expected [2]", [](call& c) { c.tensors[3].shape = {3}; }},
    {"tensor 5 is [2, 5, 3, 2]; expected [2, 3, 2, 5]",
     [](call& c) {
       c.tensors[5].shape = {2, 5, 3, 2};
     }},
    {"scale -1.000000; expected a number from 0 to 1048576", [](call& c) { c.parameters[0] = -1; }},
    {"tensor 3 has strides; expected a contiguous one",
     [](call& c) { c.tensors[3].strides = {2}; }},
    {"tensor 1 lies across its elements' alignment; expected an address divisible by 4",
     [](call& c) { c.tensors[1].data = reinterpret_cast<void*>(0x10002); }},
};

const std::vector<mistake> k_paged_mistakes = {
    {"6 tensors; expected 7", [](call& c) { c.tensors.pop_back(); }},
    {"tensor 3 is of rank 1; expected 2", [](call& c) { c.tensors[3].shape = {2}; }},
    {"tensor 3 is [3, 4]; expected [2, 4]",
     [](call& c) {
       c.tensors[3].shape = {3, 4};
     }},
    {"tensor 3 is fp32; expected int32", [](call& c) { c.tensors[3].type = dtype::fp32; }},
    {"tensor 3 has room for 2147483800 keys; expected 2^31 - 1 at most",
     [](call& c) { c.tensors[3].shape[1] = 12271336; }},
};

TEST(decode_launchers, refuse_what_they_do_not_take) {
  for (const char* by : k_kernels)
    for (const mistake& each : k_mistakes) {
      call what = right_call(false);
      each.make(what);
      EXPECT_EQ(refused("attention.decode.fwd", by, what),
                std::string("attention: ") + each.message);
    }
}

TEST(decode_launchers, refuse_pages_that_they_do_not_take) {
  for (const char* by : k_kernels)
    for (const mistake& each : k_paged_mistakes) {
      call what = right_call(true);
      each.make(what);
      EXPECT_EQ(refused("attention.paged.fwd", by, what),
                std::string("attention: ") + each.message);
    }
}

// Parts of 3 splits of 256 keys, of 60 queries' 8 columns, m and l.
TEST(decode_launchers, refuse_too_little_memory_and_heads_too_wide) {
  for (const bool paged : {false, true}) {
    const char* const function = paged ? "attention.paged.fwd" : "attention.decode.fwd";
    call little = right_call(paged);
    little.workspace_bytes = 60 * 3 * 10 * 4 - 1;
    EXPECT_EQ(refused(function, "split", little),
              "attention: scratch memory of 7199 bytes; expected 7200");
    for (const char* by : {"split", "split_64"})
      EXPECT_EQ(refused(function, by, right_call(paged, 129)),
                "attention: tensor 0 has heads of 129; expected at most 128");
  }
}

// Into a cache of 7 tokens for each of 2 batches; or of 9 pages of 7 tokens, 4 of them a batch's.
call right_append(bool paged = false) {
  call what;
  if (paged) {
    what.tensors = {of({9, 7, 3, 8}, dtype::fp32), of({2, 4, 3, 8}, dtype::fp32),
                    of({2, 4}, dtype::int32), of({2}, dtype::int32), of({9, 7, 3, 8}, dtype::fp32)};
    return what;
  }
  what.tensors = {of({2, 7, 3, 8}, dtype::fp32), of({2, 4, 3, 8}, dtype::fp32),
                  of({2}, dtype::int32), of({2, 7, 3, 8}, dtype::fp32)};
  return what;
}

const std::vector<mistake> k_append_mistakes = {
    {"3 tensors; expected 4", [](call& c) { c.tensors.pop_back(); }},
    {"1 parameters; expected 0", [](call& c) { c.parameters = {1}; }},
    {"dtype int32; expected fp32, bf16 or fp16", [](call& c) { c.tensors[0].type = dtype::int32; }},
    {"tensor 3 is bf16; expected fp32", [](call& c) { c.tensors[3].type = dtype::bf16; }},
    {"tensor 2 is fp32; expected int32", [](call& c) { c.tensors[2].type = dtype::fp32; }},
    {"tensor 2 is [3]; expected [2]", [](call& c) { c.tensors[2].shape = {3}; }},
    {"tensor 0 is of rank 3; expected 4", [](call& c) { c.tensors[0].shape.pop_back(); }},
    {"tensor 1 is [2, 4, 2, 8]; expected [2, 4, 3, 8]", [](call& c) { c.tensors[1].shape[2] = 2; }},
    {"tensor 3 is [2, 8, 3, 8]; expected [2, 7, 3, 8]", [](call& c) { c.tensors[3].shape[1] = 8; }},
    {"tensor 3 lies where tensor 0 does, with other strides; expected the same ones",
     [](call& c) {
       c.tensors[3].strides = {400, 24, 8, 1};
     }},
    {"tensor 1 has strides; expected rows whose elements are neighbours",
     [](call& c) {
       c.tensors[1].strides = {192, 48, 16, 2};
     }},
};

TEST(kv_cache_launchers, refuse_what_they_do_not_take) {
  for (const mistake& each : k_append_mistakes) {
    call what = right_append();
    each.make(what);
    EXPECT_EQ(refused("kv_cache.append.fwd", "words", what),
              std::string("kv_cache: ") + each.message);
  }
}

const std::vector<mistake> k_append_paged_mistakes = {
    {"4 tensors; expected 5", [](call& c) { c.tensors.pop_back(); }},
    {"tensor 2 is of rank 1; expected 2", [](call& c) { c.tensors[2].shape = {2}; }},
    {"tensor 2 is [3, 4]; expected [2, 4]",
     [](call& c) {
       c.tensors[2].shape = {3, 4};
     }},
    {"tensor 2 is fp32; expected int32", [](call& c) { c.tensors[2].type = dtype::fp32; }},
    {"tensor 2 has room for 2147483653 tokens; expected 2^31 - 1 at most",
     [](call& c) { c.tensors[2].shape[1] = 306783379; }},
    {"tensor 3 is [9]; expected [2]", [](call& c) { c.tensors[3].shape = {9}; }},
    {"tensor 4 is [2, 7, 3, 8]; expected [9, 7, 3, 8]", [](call& c) { c.tensors[4].shape[0] = 2; }},
    {"tensor 4 lies where tensor 0 does, with other strides; expected the same ones",
     [](call& c) {
       c.tensors[4].strides = {400, 24, 8, 1};
     }},
};

TEST(kv_cache_launchers, refuse_pages_that_they_do_not_take) {
  for (const mistake& each : k_append_paged_mistakes) {
    call what = right_append(true);
    each.make(what);
    EXPECT_EQ(refused("kv_cache.append_paged.fwd", "words", what),
              std::string("kv_cache: ") + each.message);
  }
}

}  // namespace
}  // namespace assay::optimized

// cp.async, whose copies have happened after the wait for the thread that waited, and after a
// barrier for the others.
#include "optimized/simt/test/kernel_test.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {

enum class copying { correct, no_wait, no_barrier, too_few_waited, never_waited };

template <copying How>
__global__ void copy_through_shared(global<const int> x, global<int> y) {
  __shared__ array<int, 64> tile;
  const int i = static_cast<int>(threadIdx.x);
  cp_async<4>(&tile[i], &x[i]);  // line: copy
  cp_async_commit();
  if (How == copying::correct || How == copying::no_barrier) cp_async_wait_group<0>();
  if (How == copying::too_few_waited) cp_async_wait_group<1>();
  if (How == copying::never_waited) return;
  if (How != copying::no_barrier) __syncthreads();
  y[i] = tile[How == copying::no_barrier ? (i + 32) % 64 : i];  // line: use of the copy
  if (How != copying::correct) cp_async_wait_all();
}

KERNEL_TEST(racecheck, sees_that_a_copy_was_not_waited_for) {
  auto x = on_device(counted_up<int>(64), "x");
  buffer<int> y(this_device(), 64, "y");
  run_clean(two_warps(copy_through_shared<copying::correct>, bind(std::as_const(x)), bind(y)));
  EXPECT_EQ(y.to_vector(), counted_up<int>(64));
  const expected_finding expected{.kind = tool::racecheck,
                                  .line = "use of the copy",
                                  .other_line = "copy",
                                  .message = "that it has not waited for"};
  run_broken(two_warps(copy_through_shared<copying::no_wait>, bind(std::as_const(x)), bind(y)),
             expected);
  run_broken(
      two_warps(copy_through_shared<copying::too_few_waited>, bind(std::as_const(x)), bind(y)),
      expected);
}

KERNEL_TEST(racecheck, sees_that_the_barrier_after_the_wait_is_missing) {
  auto x = on_device(counted_up<int>(64), "x");
  buffer<int> y(this_device(), 64, "y");
  if (!k_is_sanitized) return;
  const outcome result =
      run(two_warps(copy_through_shared<copying::no_barrier>, bind(std::as_const(x)), bind(y)));
  bool races = false;
  for (const finding& found : result.findings) {
    if (found.kind != tool::racecheck) continue;
    races = true;
    EXPECT_TRUE((mark_of(found.where) == "use of the copy" && mark_of(found.other) == "copy") ||
                (mark_of(found.where) == "copy" && mark_of(found.other) == "use of the copy"))
        << to_string(found);
  }
  EXPECT_TRUE(races) << text_of(result.findings);
}

KERNEL_TEST(synccheck, sees_a_thread_that_exits_with_copies_on_their_way) {
  auto x = on_device(counted_up<int>(64), "x");
  buffer<int> y(this_device(), 64, "y");
  run_broken(two_warps(copy_through_shared<copying::never_waited>, bind(std::as_const(x)), bind(y)),
             {.kind = tool::synccheck,
              .line = "copy",
              .message = "exits without having waited for 1 of its cp.async copies"});
}

// The source of a copy must stay as it is until the wait.
template <bool HasWaited>
__global__ void overwrite_the_source(global<int> x) {
  __shared__ array<int, 32> tile;
  const int i = static_cast<int>(threadIdx.x);
  cp_async<4>(&tile[i], &x[i]);  // line: copy from x
  if (HasWaited) cp_async_wait_all();
  x[i] = 0;  // line: write to x
  cp_async_wait_all();
}

KERNEL_TEST(racecheck, sees_that_the_source_of_a_copy_is_written_too_early) {
  auto x = on_device(counted_up<int>(32), "x");
  run_clean(one_warp(overwrite_the_source<true>, bind(x)));
  run_broken(one_warp(overwrite_the_source<false>, bind(x)), {.kind = tool::racecheck,
                                                              .line = "write to x",
                                                              .other_line = "copy from x",
                                                              .message = "before the wait for"});
}

// Of 16 bytes only VALID are read: the end of a tensor need not be padded.
__global__ void copy_the_tail(global<const int> x, global<int> y, int valid) {
  __shared__ array<int, 4> tile;
  cp_async<16>(&tile[0], x, valid);  // line: copy of a tail
  cp_async_wait_all();
  for (int i = 0; i < 4; ++i) y[i] = tile[i];
}

KERNEL_TEST(memcheck, lets_a_copy_end_where_its_source_ends) {
  auto x = on_device(std::vector<int>{1, 2, 3}, "x");
  buffer<int> y(this_device(), 4, "y");
  const auto copy = [&](int valid) {
    return [&, valid](stream& turn) {
      launch(copy_the_tail, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y), valid);
    };
  };
  run_clean(copy(12));
  EXPECT_EQ(y.to_vector(), (std::vector<int>{1, 2, 3, 0}));
  run_clean(copy(6));
  EXPECT_EQ(y.to_vector(), (std::vector<int>{1, 2, 0, 0}));
  run_clean(copy(0));
  EXPECT_EQ(y.to_vector(), (std::vector<int>{0, 0, 0, 0}));
  run_broken(copy(16),
             {.kind = tool::memcheck, .line = "copy of a tail", .message = "of x (12 bytes)"});
}

// What a copy reads is checked to the byte, though what came before was wider: 16 bytes of X are
// written, WIDTH at a time, up to WRITTEN; VALID are copied.
template <class Wide>
__global__ void copy_what_is_written(global<int> x, global<int> y, int written, int valid) {
  __shared__ array<int, 4> tile;
  constexpr int k_width = static_cast<int>(sizeof(Wide));
  for (int i = 0; i * k_width < written; ++i) view<Wide>(x)[i] = Wide{};
  cp_async<16>(&tile[0], x, valid);  // line: copy of what is written
  cp_async_wait_all();
  y[0] = tile[0];
}

KERNEL_TEST(initcheck, sees_every_byte_that_a_copy_reads) {
  buffer<int> y(this_device(), 1, "y");
  const auto copy = [&](auto kernel, int written, int valid) {
    return [&y, kernel, written, valid](stream& turn) {
      buffer<int> x(this_device(), 8,
                    "x");  // 16 bytes more, so that the second half is not its end
      launch(kernel, dim3(1), dim3(1), 0, turn, bind(x), bind(y), written, valid);
      turn.synchronize();
    };
  };
  const expected_finding expected{.kind = tool::initcheck, .line = "copy of what is written"};
  for (const int valid : {4, 6, 7, 8, 12, 16}) {
    SCOPED_TRACE(valid);
    run_clean(copy(copy_what_is_written<int4>, 16, valid));
    run_broken(copy(copy_what_is_written<int4>, 0, valid), expected);
    if (valid <= 8) run_clean(copy(copy_what_is_written<int2>, 8, valid));
    if (valid > 8) run_broken(copy(copy_what_is_written<int2>, 8, valid), expected);
    if (valid <= 4) run_clean(copy(copy_what_is_written<int>, 4, valid));
    if (valid > 4) run_broken(copy(copy_what_is_written<int>, 4, valid), expected);
  }
}

// The same of races: a word of the source is written before the wait.
__global__ void overwrite_a_word(global<int> x, int valid, int word) {
  __shared__ array<int, 4> tile;
  view<int4>(x)[0] = int4{};
  cp_async<16>(&tile[0], x, valid);  // line: copy of a part
  x[word] = 0;                       // line: write to a word
  cp_async_wait_all();
}

KERNEL_TEST(racecheck, sees_a_write_to_every_byte_that_a_copy_reads) {
  buffer<int> x(this_device(), 4, "x");
  const auto overwrite = [&](int valid, int word) {
    return [&x, valid, word](stream& turn) {
      launch(overwrite_a_word, dim3(1), dim3(1), 0, turn, bind(x), valid, word);
    };
  };
  for (const int valid : {4, 6, 8, 12, 16}) {
    for (int word = 0; word < 4; ++word) {
      SCOPED_TRACE(std::to_string(valid) + " bytes, word " + std::to_string(word));
      if (4 * word >= valid) {
        run_clean(overwrite(valid, word));
      } else {
        run_broken(overwrite(valid, word), {.kind = tool::racecheck,
                                            .line = "write to a word",
                                            .other_line = "copy of a part",
                                            .message = "before the wait for"});
      }
    }
  }
}

// The destination is the copy's own until the wait.
template <bool HasWaited>
__global__ void overwrite_the_destination(global<const int> x) {
  __shared__ array<int, 32> tile;
  const int i = static_cast<int>(threadIdx.x);
  cp_async<4>(&tile[i], &x[i]);  // line: copy to the tile
  if (HasWaited) cp_async_wait_all();
  tile[i] = 0;  // line: write to the tile
  cp_async_wait_all();
}

KERNEL_TEST(racecheck, sees_that_the_destination_of_a_copy_is_written_too_early) {
  auto x = on_device(counted_up<int>(32), "x");
  run_clean(one_warp(overwrite_the_destination<true>, bind(std::as_const(x))));
  run_broken(one_warp(overwrite_the_destination<false>, bind(std::as_const(x))),
             {.kind = tool::racecheck,
              .line = "write to the tile",
              .other_line = "copy to the tile",
              .message = "where a cp.async by thread (0,0,0) that it has not waited for is to land",
              .thread = coordinates{0, 0, 0}});
}

}  // namespace assay::simt::inline ASSAY_BUILD::test

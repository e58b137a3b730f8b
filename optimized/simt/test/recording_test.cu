// Work that is recorded, and runs when it is replayed: as often, and on what memory holds then.
#include "optimized/simt/test/kernel_test.cuh"

namespace assay::simt::inline ASSAY_BUILD::test {

using optimized::graph;

__global__ void times_two_and(global<int> y, int more) {
  y[threadIdx.x] = 2 * y[threadIdx.x] + more;
}

__global__ void store_shared_sum(global<int> y) {
  const shared<int> x = dynamic_shared<int>(0, 1024);
  for (int i = static_cast<int>(threadIdx.x); i < 1024; i += 32) x[i] = i;
  __syncthreads();
  if (threadIdx.x > 0) return;
  int sum = 0;
  for (int i = 0; i < 1024; ++i) sum += x[i];
  y[0] = sum;
}

namespace {

void queue_step(stream& turn, buffer<int>& y, int more) {
  launch(times_two_and, dim3(1), dim3(32), 0, turn, bind(y), more);
}

std::string refusal_of(const std::function<void()>& what) {
  try {
    what();
  } catch (const error& e) {
    return e.what();
  }
  return "nothing was refused";
}

}  // namespace

KERNEL_TEST(recording, runs_when_it_is_replayed_and_as_often) {
  auto y = on_device(std::vector<int>(32, 1), "y");
  buffer<int> kept(this_device(), 32, "kept");
  stream turn(this_device());
  graph steps(turn, [&] {
    queue_step(turn, y, 1);
    kept.copy_from(y, turn);
    queue_step(turn, y, 5);
  });
  EXPECT_EQ(y.to_vector(), std::vector<int>(32, 1));
  steps.launch(turn);
  EXPECT_EQ(y.to_vector(), std::vector<int>(32, 11));
  EXPECT_EQ(kept.to_vector(), std::vector<int>(32, 3));
  queue_step(turn, y, 0);
  steps.launch(turn);
  steps.launch(turn);
  EXPECT_EQ(kept.to_vector(), std::vector<int>(32, 191));
  EXPECT_EQ(y.to_vector(), std::vector<int>(32, 387));
}

KERNEL_TEST(recording, finds_in_memory_what_is_there_when_it_runs) {
  auto y = on_device(std::vector<int>(32, 1), "y");
  stream turn(this_device()), other(this_device());
  graph step(turn, [&] { queue_step(turn, y, 3); });
  for (const int x : {7, -2}) {
    y.copy_from(std::vector<int>(32, x));
    step.launch(x > 0 ? turn : other);
    EXPECT_EQ(y.to_vector(), std::vector<int>(32, 2 * x + 3));
  }
}

// A later launch with less of it takes nothing away from what was recorded.
KERNEL_TEST(recording, keeps_the_shared_memory_of_its_launches) {
  buffer<int> y(this_device(), 1, "y");
  stream turn(this_device());
  graph sum(turn, [&] { launch(store_shared_sum, dim3(1), dim3(32), 100 * 1024, turn, bind(y)); });
  launch(store_shared_sum, dim3(1), dim3(32), 4096, turn, bind(y));
  sum.launch(turn);
  EXPECT_EQ(y.to_vector(), std::vector<int>(1, 1023 * 512));
}

KERNEL_TEST(recording, refuses_what_cannot_be_recorded_and_goes_on) {
  auto y = on_device(std::vector<int>(32, 1), "y");
  stream turn(this_device());
  optimized::event point(this_device());
  const std::pair<const char*, std::function<void()>> all[] = {
      {"wait for a stream", [&] { turn.synchronize(); }},
      {"wait for an event", [&] { turn.wait(point); }},
      {"record of an event", [&] { turn.record(point); }},
      {"recording of a stream", [&] { graph(turn, [] {}); }},
      {"wait for", [&] { y.to_vector(); }},
      {"allocation of 'more'", [&] { buffer<int>(this_device(), 1, "more"); }}};
  for (const auto& [what, work] : all) {
    turn.record(point);
    const std::string why = refusal_of([&, &work = work] {
      graph(turn, [&] {
        queue_step(turn, y, 1);
        work();
      });
    });
    EXPECT_NE(why.find(what), std::string::npos) << why;
    EXPECT_EQ(y.to_vector(), std::vector<int>(32, 1)) << what;
  }
  queue_step(turn, y, 1);
  EXPECT_EQ(y.to_vector(), std::vector<int>(32, 3));
}

#if !defined(__CUDACC__)  // the GPU's tests are a program without an emulator
KERNEL_TEST(recording, is_of_one_device) {
  stream turn(this_device());
  graph nothing(turn, [] {});
  simt::backend& elsewhere = k_is_sanitized ? plain_emulator() : sanitized_emulator();
  stream other{optimized::device(elsewhere)};
  EXPECT_NE(refusal_of([&] { nothing.launch(other); }).find("a graph"), std::string::npos);
}
#endif

}  // namespace assay::simt::inline ASSAY_BUILD::test

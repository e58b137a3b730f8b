#include "tools/gpt2/pass_time.hpp"

#include "tools/gpt2/operation_case.hpp"

#include <algorithm>
#include <chrono>

namespace assay::gpt2 {
namespace {

// A point in a stream's work.
class mark {
 public:
  explicit mark(optimized::device where) : event_(where) {}

  void put(optimized::stream& turn) {
    turn.record(event_);
    if (turn.where().place().build() == simt::build::gpu) return;
    turn.synchronize();
    at_ = std::chrono::steady_clock::now();
  }
  double seconds_since(mark& earlier) {
    const std::chrono::duration<double> by_clock = at_ - earlier.at_;
    return event_.seconds_since(earlier.event_).value_or(by_clock.count());
  }

 private:
  optimized::event event_;
  std::chrono::steady_clock::time_point at_;
};

// Are the contract's bytes and FLOPs those of the shapes, whatever the numbers are?
bool depends_on_shapes_alone(const properties::contract& c) {
  return std::all_of(c.inputs.begin(), c.inputs.end(), [](const properties::tensor_spec& each) {
    using enum properties::drawn;
    return each.how == by_case || each.how == as_gradient || each.how == as_slope;
  });
}

std::vector<timed_operation> operations_of(const executor& by) {
  std::vector<timed_operation> all;
  for (std::size_t i = 0; i < by.of().operations.size(); ++i) {
    const operation& each = by.of().operations[i];
    timed_operation one{each.name, each.function, by.implementation_of(i), {}, {}};
    const properties::contract& c = contract_of(each);
    if (depends_on_shapes_alone(c)) one.work = c.cost_of(case_of(each, by.of()));
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

pass_times timed(executor& by, std::int64_t rounds,
                 const std::function<bool(std::int64_t)>& go_on) {
  pass_times all{operations_of(by), {}, {}};
  const std::size_t count = all.operations.size();
  optimized::stream& turn = by.turn();
  std::vector<mark> marks;
  for (std::size_t i = 0; i <= count; ++i) marks.emplace_back(turn.where());
  by.run(0, count);
  by.replay();
  turn.synchronize();
  for (std::int64_t round = 0; round < rounds && go_on(round); ++round) {
    marks[0].put(turn);
    for (std::size_t i = 0; i < count; ++i) {
      by.run(i);
      marks[i + 1].put(turn);
    }
    turn.synchronize();
    for (std::size_t i = 0; i < count; ++i)
      all.operations[i].seconds.push_back(marks[i + 1].seconds_since(marks[i]));
    all.whole.push_back(timed_whole(by, false));
    all.replayed.push_back(timed_whole(by, true));
  }
  return all;
}

double timed_whole(executor& by, bool replayed) {
  optimized::stream& turn = by.turn();
  mark begin(turn.where()), end(turn.where());
  begin.put(turn);
  replayed ? by.replay() : by.run(0, by.of().operations.size());
  end.put(turn);
  turn.synchronize();
  return end.seconds_since(begin);
}

}  // namespace assay::gpt2

#include "optimized/simt/emulator/deferred_queue.hpp"

#include "optimized/simt/emulator/emulator.hpp"

namespace assay::simt {

void work_line::run_until(std::uint64_t position) {
  while (finished_ < position && !pending_.empty()) {
    // What runs may wait for another queue, and that one for an earlier point of this.
    const std::function<void()> work = std::move(pending_.front());
    pending_.pop_front();
    try {
      work();
    } catch (...) {
      finished_ += 1 + pending_.size();
      pending_.clear();
      throw;
    }
    ++finished_;
  }
}

deferred_queue::~deferred_queue() { place_.run_quietly(*line_); }

backend& deferred_queue::place() const { return place_; }

void deferred_queue::copy(void* to, const void* from, std::size_t bytes, direction way) {
  place_.check_copy(to, from, bytes, way);
  push(
      [this_place = &place_, to, from, bytes, way] { this_place->copy_now(to, from, bytes, way); });
}

void deferred_queue::fill(void* to, std::byte value, std::size_t bytes) {
  place_.check_range(to, bytes, "fill");
  push([this_place = &place_, to, value, bytes] { this_place->fill_now(to, value, bytes); });
}

void deferred_queue::wait(marker& point) {
  const auto* deferred = dynamic_cast<deferred_marker*>(&point);
  if (deferred == nullptr || &deferred->place() != &place_) {
    throw error("wait on a queue of the " + place_.name(), "the event is another device's");
  }
  if (auto path = deferred->path()) push(std::move(path));
}

void deferred_marker::record(queue& where) {
  auto* deferred = dynamic_cast<deferred_queue*>(&where);
  if (deferred == nullptr || &deferred->place() != &place_) {
    throw error("record of an event of the " + place_.name(), "the queue is another device's");
  }
  line_ = deferred->line();
  position_ = line_->length();
}

std::function<void()> deferred_marker::path() const {
  if (line_ == nullptr) return {};
  return [line = line_, position = position_] { line->run_until(position); };
}

}  // namespace assay::simt

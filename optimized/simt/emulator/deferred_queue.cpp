#include "optimized/simt/emulator/deferred_queue.hpp"

#include "optimized/simt/emulator/emulator.hpp"

namespace assay::simt {

void work_line::run_until(std::uint64_t position) {
  while (finished_ < position && !pending_.empty()) {
    // What runs may wait for another queue, and that one for an earlier point of this.
    const piece_of_work work = std::move(pending_.front());
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

void deferred_queue::push(piece_of_work work) {
  if (recorded_ != nullptr) return recorded_->push_back(std::move(work));
  line_->push(std::move(work));
}

void deferred_queue::synchronize() {
  place_.refuse_while_recording("wait for a stream");
  line_->run_all();
}

std::unique_ptr<recording> deferred_queue::record(const std::function<void()>& work) {
  place_.refuse_while_recording("recording of a stream");
  std::vector<piece_of_work> pieces;
  {
    const emulator::recorded_now until_here(place_);
    struct diversion {
      deferred_queue& of;
      ~diversion() { of.recorded_ = nullptr; }
    } const diverted{*this};
    recorded_ = &pieces;
    work();
  }
  return std::make_unique<deferred_recording>(place_, std::move(pieces));
}

void deferred_recording::replay(queue& where) {
  auto* deferred = dynamic_cast<deferred_queue*>(&where);
  if (deferred == nullptr || &deferred->place() != &place_) {
    throw error("launch of a graph of the " + place_.name(), "the stream is another device's");
  }
  for (const piece_of_work& each : work_) deferred->push(each);
}

void deferred_queue::wait(marker& point) {
  place_.refuse_while_recording("wait for an event");
  const auto* deferred = dynamic_cast<deferred_marker*>(&point);
  if (deferred == nullptr || &deferred->place() != &place_) {
    throw error("wait on a queue of the " + place_.name(), "the event is another device's");
  }
  if (auto path = deferred->path()) push(std::move(path));
}

void deferred_marker::synchronize() {
  place_.refuse_while_recording("wait for an event");
  if (const auto work = path()) work();
}

void deferred_marker::record(queue& where) {
  place_.refuse_while_recording("record of an event");
  auto* deferred = dynamic_cast<deferred_queue*>(&where);
  if (deferred == nullptr || &deferred->place() != &place_) {
    throw error("record of an event of the " + place_.name(), "the queue is another device's");
  }
  line_ = deferred->line();
  position_ = line_->length();
}

piece_of_work deferred_marker::path() const {
  if (line_ == nullptr) return {};
  return [line = line_, position = position_] { line->run_until(position); };
}

}  // namespace assay::simt

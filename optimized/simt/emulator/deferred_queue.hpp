// The emulator's queues and markers. Work is put off until somebody waits for it, so that a missing
// wait shows; markers are the only order between queues.
#pragma once

#include "optimized/simt/backend.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace assay::simt {

class emulator;

using piece_of_work = std::function<void()>;

// The work of one queue. Markers keep it alive beyond the queue.
class work_line {
 public:
  void push(piece_of_work work) { pending_.push_back(std::move(work)); }
  std::uint64_t length() const { return finished_ + pending_.size(); }
  // Runs the first POSITION pieces of work ever pushed. When one throws, the rest is dropped.
  void run_until(std::uint64_t position);
  void run_all() { run_until(length()); }

 private:
  std::deque<piece_of_work> pending_;
  std::uint64_t finished_ = 0;
};

class deferred_queue final : public queue {
 public:
  deferred_queue(emulator& place, std::shared_ptr<work_line> line)
      : place_(place), line_(std::move(line)) {}
  ~deferred_queue() override;
  deferred_queue(const deferred_queue&) = delete;
  deferred_queue& operator=(const deferred_queue&) = delete;

  backend& place() const override;
  void copy(void* to, const void* from, std::size_t bytes, direction way) override;
  void fill(void* to, std::byte value, std::size_t bytes) override;
  void wait(marker& point) override;
  void synchronize() override;
  std::unique_ptr<recording> record(const std::function<void()>& work) override;

  void push(piece_of_work work);
  const std::shared_ptr<work_line>& line() const { return line_; }

 private:
  emulator& place_;
  std::shared_ptr<work_line> line_;
  std::vector<piece_of_work>* recorded_ = nullptr;  // where work goes while it is recorded
};

class deferred_recording final : public recording {
 public:
  deferred_recording(const emulator& place, std::vector<piece_of_work> work)
      : place_(place), work_(std::move(work)) {}
  void replay(queue& where) override;

 private:
  const emulator& place_;
  std::vector<piece_of_work> work_;
};

class deferred_marker final : public marker {
 public:
  explicit deferred_marker(emulator& place) : place_(place) {}
  void record(queue& where) override;
  void synchronize() override;
  std::optional<double> seconds_since(marker&) override { return std::nullopt; }

  const emulator& place() const { return place_; }
  // The work up to here, to be run; empty when nothing has been recorded.
  piece_of_work path() const;

 private:
  emulator& place_;
  std::shared_ptr<work_line> line_;
  std::uint64_t position_ = 0;
};

}  // namespace assay::simt

// Devices, and what lives on them: typed, owning, and checked against being mixed up.
//
//   optimized::device d(simt::plain_emulator());   or sanitized_emulator(), or cuda_device()
//   optimized::buffer<float> x(d, values, "x"), y(d, values.size(), "y");
//   optimized::stream s(d);
//   ...a launch on s...
//   y.to_vector();                                 waits for everything on d
//
// This header is ordinary C++: the same program can hold devices of all three builds. What a kernel
// gets of a buffer is in device.cuh.
#pragma once

#include "optimized/simt/backend.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace assay::optimized {

using simt::error;

// A handle: copies are the same device.
class device {
 public:
  explicit device(simt::backend& place) : place_(&place) {}

  std::string name() const { return place_->name(); }
  void synchronize() const { place_->synchronize(); }
  simt::backend& place() const { return *place_; }
  bool operator==(const device&) const = default;

 private:
  simt::backend* place_;
};

class event {
 public:
  explicit event(device where) : where_(where), marker_(where.place().make_marker()) {}

  device where() const { return where_; }
  // Waits until the work before the recorded point has run.
  void synchronize() { marker_->synchronize(); }
  // Between two recorded events; nothing on the emulator, whose time is not the kernel's.
  std::optional<double> seconds_since(event& earlier) {
    return marker_->seconds_since(*earlier.marker_);
  }
  simt::marker& marker() { return *marker_; }

 private:
  device where_;
  std::unique_ptr<simt::marker> marker_;
};

// Work that runs in order. Between streams only events order anything.
class stream {
 public:
  explicit stream(device where) : where_(where), queue_(where.place().make_queue()) {}

  device where() const { return where_; }
  void synchronize() { queue_->synchronize(); }
  // Both throw error when the event is another device's.
  void record(event& point) { point.marker().record(*queue_); }
  void wait(event& point) { queue_->wait(point.marker()); }
  // How the emulator runs what is launched from now on.
  simt::emulation& emulation() { return queue_->emulate; }

  operator simt::queue&() { return *queue_; }  // what simt::launch takes

 private:
  device where_;
  std::unique_ptr<simt::queue> queue_;
};

// Work recorded once, to run again and again as one piece (simt::queue::record): a CUDA graph. Its
// addresses and numbers stay; what lies in memory is what is there when it runs.
class graph {
 public:
  // Of what `work` puts into the stream.
  graph(stream& turn, const std::function<void()>& work)
      : recording_(static_cast<simt::queue&>(turn).record(work)) {}

  // In the stream's turn; throws error where that is another device's.
  void launch(stream& turn) { recording_->replay(turn); }

 private:
  std::unique_ptr<simt::recording> recording_;
};

// COUNT values of T in a device's memory. Blocking copies wait for everything on the device.
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T> && !std::is_const_v<T>);

 public:
  // Not initialised.
  buffer(device where, std::size_t count, std::string name = "buffer")
      : where_(where),
        count_(count),
        name_(std::move(name)),
        memory_(static_cast<T*>(where.place().allocate(count * sizeof(T), name_)), release{where}) {
  }
  buffer(device where, std::span<const T> values, std::string name = "buffer")
      : buffer(where, values.size(), std::move(name)) {
    copy_from(values);
  }
  buffer(device where, const std::vector<T>& values, std::string name = "buffer")
      : buffer(where, std::span<const T>(values), std::move(name)) {}

  device where() const { return where_; }
  const std::string& name() const { return name_; }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return count_ * sizeof(T); }
  T* data() const { return memory_.get(); }  // an address on the device

  void copy_from(std::span<const T> values) {
    check(values.size(), "copy to");
    where_.place().copy(data(), values.data(), bytes(), simt::direction::to_device);
  }
  void copy_to(std::span<T> values) const {
    check(values.size(), "copy from");
    where_.place().copy(values.data(), data(), bytes(), simt::direction::to_host);
  }
  std::vector<T> to_vector() const {
    std::vector<T> values(count_);
    copy_to(values);
    return values;
  }
  void copy_from(const buffer& other) {
    check(other, "copy to");
    where_.place().copy(data(), other.data(), bytes(), simt::direction::on_device);
  }
  void fill_bytes(std::byte value) { where_.place().fill(data(), value, bytes()); }

  // In the stream's turn; VALUES must live until then.
  void copy_from(std::span<const T> values, stream& turn) {
    check(values.size(), "copy to");
    check(turn.where(), "copy to");
    queue_of(turn).copy(data(), values.data(), bytes(), simt::direction::to_device);
  }
  void copy_to(std::span<T> values, stream& turn) const {
    check(values.size(), "copy from");
    check(turn.where(), "copy from");
    queue_of(turn).copy(values.data(), data(), bytes(), simt::direction::to_host);
  }
  void copy_from(const buffer& other, stream& turn) {
    check(other, "copy to");
    check(turn.where(), "copy to");
    queue_of(turn).copy(data(), other.data(), bytes(), simt::direction::on_device);
  }

 private:
  struct release {
    device where;
    void operator()(T* memory) const { where.place().free(memory); }
  };

  static simt::queue& queue_of(stream& turn) { return turn; }

  std::string operation(const char* what) const {
    return std::string(what) + " '" + name_ + "' on the " + where_.name();
  }
  void check(std::size_t count, const char* what) const {
    if (count == count_) return;
    throw error(operation(what), std::to_string(count) + " values", std::to_string(count_));
  }
  void check(device other, const char* what) const {
    if (other == where_) return;
    throw error(operation(what), "the other side is on the " + other.name(), "one device");
  }
  void check(const buffer& other, const char* what) const {
    check(other.count_, what);
    check(other.where_, what);
  }

  device where_;
  std::size_t count_;
  std::string name_;
  std::unique_ptr<T, release> memory_;
};

}  // namespace assay::optimized

// A place where kernels run: its memory, its in-order queues, its events, all untyped. The typed
// and owning side of this is optimized/device.hpp; a harness that poisons, guards and misaligns raw
// memory works here.
#pragma once

#include "optimized/simt/counters.hpp"
#include "optimized/simt/emulation.hpp"
#include "optimized/simt/error.hpp"
#include "optimized/simt/finding.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace assay::simt {

class backend;
class queue;

// The three builds of a kernel (build.cuh).
enum class build { gpu, plain, sanitized };

constexpr const char* name_of(build which) {
  return which == build::gpu     ? "CUDA"
         : which == build::plain ? "the emulator"
                                 : "the sanitized emulator";
}

enum class direction { to_device, to_host, on_device };

// A point in a queue: what CUDA calls an event.
class marker {
 public:
  virtual ~marker() = default;
  virtual void record(queue& where) = 0;
  virtual void synchronize() = 0;  // returns once everything before the recorded point has run
  // Seconds between two recorded points, or nothing where time means nothing (the emulator).
  virtual std::optional<double> seconds_since(marker& earlier) = 0;
};

// Work that a queue recorded, to run again and again as one piece: what CUDA calls a graph.
class recording {
 public:
  virtual ~recording() = default;
  virtual void replay(queue& where) = 0;  // throws error where that is another device's
};

// What is put into a queue runs in order, and at the latest when somebody waits for it; between
// queues only markers order anything. (The emulator runs nothing before that, so that a missing
// wait shows.)
class queue {
 public:
  virtual ~queue() = default;
  virtual backend& place() const = 0;
  virtual void copy(void* to, const void* from, std::size_t bytes, direction way) = 0;
  virtual void fill(void* to, std::byte value, std::size_t bytes) = 0;
  virtual void wait(marker& point) = 0;
  virtual void synchronize() = 0;  // throws what went wrong in a kernel
  // What `work` puts into this queue is recorded and does not run: launches with their arguments
  // (and how the emulator was to run them), copies and fills with their addresses. Meanwhile nobody
  // allocates, waits, or records a marker; who does gets an error, and there is no recording.
  virtual std::unique_ptr<recording> record(const std::function<void()>& work) = 0;

  emulation emulate;
};

class backend {
 public:
  virtual ~backend() = default;
  virtual std::string name() const = 0;
  virtual simt::build build() const = 0;  // whose kernels run here

  // Aligned to 256 bytes; null for 0 bytes. Contents are arbitrary. NAME stands in findings.
  virtual void* allocate(std::size_t bytes, const std::string& name) = 0;
  virtual void free(void* memory) noexcept = 0;  // waits for everything queued, as cudaFree does
  virtual std::unique_ptr<queue> make_queue() = 0;
  virtual std::unique_ptr<marker> make_marker() = 0;
  // These wait for everything queued anywhere on this backend.
  virtual void synchronize() = 0;
  virtual void copy(void* to, const void* from, std::size_t bytes, direction way) = 0;
  virtual void fill(void* to, std::byte value, std::size_t bytes) = 0;

  // For the sanitized emulator; elsewhere they do nothing. A part of an allocation can have bounds
  // and a name of its own (a tensor between its canaries); memory can be declared written (a buffer
  // that is filled behind the emulator's back) or not written (an output that was poisoned).
  virtual void name_extent(void* /*begin*/, std::size_t /*bytes*/, const std::string& /*name*/) {}
  virtual void mark_initialised(void* /*begin*/, std::size_t /*bytes*/) {}
  virtual void mark_uninitialised(void* /*begin*/, std::size_t /*bytes*/) {}
  // What has been found and counted since the last time.
  virtual std::vector<finding> take_findings() { return {}; }
  virtual counters take_counters() { return {}; }
};

// The backends; each is defined in the library of its build.
backend& plain_emulator();              // assay_simt_plain
backend& sanitized_emulator();          // assay_simt_sanitized
backend& cuda_device(int ordinal = 0);  // assay_simt_gpu; throws error where there is no device
int cuda_device_count() noexcept;

}  // namespace assay::simt

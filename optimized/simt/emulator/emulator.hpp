// The emulator as a backend: ordinary memory, deferred queues. What the sanitized build adds, it
// adds through the virtual functions at the end.
#pragma once

#include "optimized/simt/backend.hpp"
#include "optimized/simt/emulator/deferred_queue.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace assay::simt {

class emulator : public backend {
 public:
  emulator(std::string name, simt::build build) : name_(std::move(name)), build_(build) {}
  ~emulator() override;
  emulator(const emulator&) = delete;
  emulator& operator=(const emulator&) = delete;

  std::string name() const override { return name_; }
  simt::build build() const override { return build_; }
  void* allocate(std::size_t bytes, const std::string& name) override;
  void free(void* memory) noexcept override;
  std::unique_ptr<queue> make_queue() override;
  std::unique_ptr<marker> make_marker() override;
  void synchronize() override;
  void copy(void* to, const void* from, std::size_t bytes, direction way) override;
  void fill(void* to, std::byte value, std::size_t bytes) override;

  // At once; for work that its turn has come.
  void copy_now(void* to, const void* from, std::size_t bytes, direction way);
  void fill_now(void* to, std::byte value, std::size_t bytes);
  // Throw error when the device side of an operation is not inside one allocation of this backend.
  void check_range(const void* begin, std::size_t bytes, const char* operation) const;
  void check_copy(const void* to, const void* from, std::size_t bytes, direction way) const;
  // While one of these lives a queue records, and what CUDA refuses then is refused.
  class recorded_now {
   public:
    explicit recorded_now(emulator& place) : place_(place) { place_.is_recorded_ = true; }
    ~recorded_now() { place_.is_recorded_ = false; }
    recorded_now(const recorded_now&) = delete;
    recorded_now& operator=(const recorded_now&) = delete;

   private:
    emulator& place_;
  };
  void refuse_while_recording(const std::string& what) const;
  // For destructors: runs what is left, and keeps the error for the next to wait on the device.
  void run_quietly(work_line& line) noexcept;

 protected:
  virtual void on_allocate(void* /*begin*/, std::size_t /*bytes*/, const std::string& /*name*/) {}
  virtual void on_free(void* /*begin*/) noexcept {}
  // Bytes are about to be copied within this device: TO knows what FROM knows.
  virtual void on_copy(void* /*to*/, const void* /*from*/, std::size_t /*bytes*/) {}

 private:
  struct block_of_memory {
    std::size_t bytes = 0;
    bool mapped = false;  // by mmap, so that untouched pages of a huge tensor cost nothing
  };
  static void release(void* begin, const block_of_memory& block) noexcept;

  std::string name_;
  simt::build build_;
  std::map<const std::byte*, block_of_memory> memory_;
  std::vector<std::weak_ptr<work_line>> lines_;
  std::exception_ptr kept_;
  bool is_recorded_ = false;
};

}  // namespace assay::simt

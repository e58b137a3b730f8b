// The shared memory of a block: one arena, from which dynamic and static arrays are taken. Clusters
// will address a neighbour's arena by the same offsets.
#pragma once

#include "optimized/simt/emulator/coordinates.hpp"
#include "optimized/simt/emulator/observer.hpp"
#include "optimized/simt/pointer.cuh"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

// A piece of the arena, and what is known of it.
struct shared_storage {
  std::byte* data = nullptr;
  observe::shared_state* observed = nullptr;
};

class shared_arena {
 public:
  // The worker's arena is laid out anew for each launch, dynamic memory first, and is the same for
  // all of its blocks.
  void begin_launch(std::size_t dynamic_bytes);
  // Fresh shared memory is not zero.
  void begin_block();

  // The array that is declared at WHERE: ROWS of ROW_BYTES.
  shared_storage variable(std::source_location where, std::size_t row_bytes, std::size_t rows);
  // BYTES from OFFSET on of the dynamic part.
  shared_storage dynamic(std::size_t offset, std::size_t bytes, std::source_location where);

  bool contains(const void* address) const;
  // The sanitized build's clock has started again.
  void forget_accesses();

 private:
  struct entry {
    std::source_location where;  // of a variable
    std::byte* data = nullptr;
    std::size_t bytes = 0;
    observe::shared_state observed;
  };
  entry& add_variable(std::source_location where, std::size_t row_bytes, std::size_t rows);

  struct free_memory {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, free_memory> memory_;
  std::size_t used_ = 0;          // from the start, padding included
  std::size_t static_bytes_ = 0;  // of the variables so far
  std::size_t dynamic_bytes_ = 0;
  std::vector<std::unique_ptr<entry>> variables_;
  entry dynamic_;
  std::vector<std::unique_ptr<entry>> dynamic_parts_;
};

// Of the running block.
shared_storage find_shared_variable(std::source_location where, std::size_t row_bytes,
                                    std::size_t rows);
shared_storage find_dynamic_shared(std::size_t offset, std::size_t bytes,
                                   std::source_location where);

// Rows of a shared array, as kernels hold them.
template <class T>
class shared_rows {
 public:
  template <int... Sizes>
  static shared_rows of_variable(std::source_location where) {
    constexpr std::size_t columns = std::array{Sizes...}.back();
    constexpr std::size_t rows = (1 * ... * Sizes) / columns;
    return shared_rows(find_shared_variable(where, sizeof(T) * columns, rows), rows);
  }
  static shared_rows of_dynamic(std::size_t offset, std::size_t count, std::source_location where) {
    return shared_rows(find_dynamic_shared(offset, sizeof(T) * count, where), 1);
  }

#if defined(ASSAY_SANITIZED)
  shared<T> row(std::size_t) const {
    return shared<T>(data_, count_ == 0 ? array_->outside() : rows_);
  }

  // Part I of FIRST, each of REST: no part at all, when I is out of range.
  template <int First, int... Rest>
  shared_rows part(subscript i) const {
    constexpr std::size_t elements = (1 * ... * Rest);
    constexpr std::size_t columns = std::array{Rest...}.back();
    shared_rows result = *this;
    result.data_ += i.index * static_cast<std::ptrdiff_t>(elements);
    result.count_ = count_ == 0 || i.index < 0 || i.index >= First ? 0 : elements / columns;
    if (result.count_ != 0)
      result.rows_ += i.index * static_cast<std::ptrdiff_t>(elements / columns);
    return result;
  }
  void let_go() const { array_->let_go(here.thread->rank); }

 private:
  shared_rows(shared_storage storage, std::size_t count)
      : data_(reinterpret_cast<T*>(storage.data)),
        rows_(storage.observed->rows()),
        array_(storage.observed),
        count_(count) {}
  T* data_;
  const extent* rows_;
  observe::shared_state* array_;
  std::size_t count_;
#else
  shared<T> row(std::size_t) const { return data_; }

  template <int First, int... Rest>
  shared_rows part(subscript i) const {
    return shared_rows(data_ + i * (1 * ... * std::ptrdiff_t{Rest}));
  }

 private:
  explicit shared_rows(T* data) : data_(data) {}
  shared_rows(shared_storage storage, std::size_t) : data_(reinterpret_cast<T*>(storage.data)) {}
  T* data_;
#endif
};

}  // namespace assay::simt::inline ASSAY_BUILD

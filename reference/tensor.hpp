// Shapes, strides, views and owning tensors of up to five dimensions, for the references of whole
// tensors. Every access is checked; whatever is wrong is said with the axis, the index and the
// shape.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace assay::reference {

inline constexpr int k_max_rank = 5;

/// A shape, an index or a view that cannot be: what, where, what was expected.
struct shape_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// Extents, outermost first; rank 0 is a scalar. Immutable.
class shape {
 public:
  shape() = default;
  shape(std::initializer_list<std::int64_t> extents)
      : shape(std::span(extents.begin(), extents.size())) {}
  explicit shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
    if (extents.size() > k_max_rank) {
      throw shape_error("shape of rank " + std::to_string(extents.size()) + ": at most " +
                        std::to_string(k_max_rank) + " dimensions");
    }
    std::copy(extents.begin(), extents.end(), extents_.begin());
    for (int axis = 0; axis < rank_; ++axis) count_ = multiplied(axis);
  }

  int rank() const { return rank_; }
  /// Number of elements.
  std::int64_t count() const { return count_; }
  std::int64_t operator[](int axis) const { return extents_[checked(axis)]; }
  std::span<const std::int64_t> extents() const { return {extents_.data(), std::size_t(rank_)}; }

  bool operator==(const shape& other) const = default;

  /// "[2, 3, 4]"
  std::string text() const {
    std::string result = "[";
    for (int axis = 0; axis < rank_; ++axis) {
      result += (axis == 0 ? "" : ", ") + std::to_string(extents_[std::size_t(axis)]);
    }
    return result + "]";
  }

  /// axis as an index, or shape_error.
  std::size_t checked(int axis) const {
    if (axis < 0 || axis >= rank_) {
      throw shape_error("axis " + std::to_string(axis) + " of shape " + text() +
                        ", which has rank " + std::to_string(rank_));
    }
    return std::size_t(axis);
  }

 private:
  std::int64_t multiplied(int axis) const {
    const std::int64_t extent = extents_[std::size_t(axis)];
    if (extent < 0) {
      throw shape_error("shape " + text() + ": extent of axis " + std::to_string(axis) +
                        " is negative");
    }
    if (extent != 0 && count_ > std::numeric_limits<std::int64_t>::max() / extent) {
      throw shape_error("shape " + text() + " has more than 2^63 - 1 elements");
    }
    return count_ * extent;
  }

  std::array<std::int64_t, k_max_rank> extents_{};
  int rank_ = 0;
  std::int64_t count_ = 1;
};

/// Distances between neighbours along each axis, in elements.
using strides = std::array<std::int64_t, k_max_rank>;

inline strides row_major(const shape& s) {
  strides result{};
  std::int64_t step = 1;
  for (int axis = s.rank() - 1; axis >= 0; --axis) {
    result[std::size_t(axis)] = step;
    step *= s[axis];
  }
  return result;
}

/// A window on elements owned elsewhere. T may be const.
template <class T>
class view {
 public:
  view(T* data, const shape& extents) : view(data, extents, row_major(extents)) {}
  view(T* data, const shape& extents, const strides& steps)
      : data_(data), shape_(extents), strides_(steps) {}
  operator view<const T>() const  // NOLINT(google-explicit-constructor): as T* to const T*
    requires(!std::is_const_v<T>)
  {
    return {data_, shape_, strides_};
  }

  const shape& extents() const { return shape_; }
  const strides& steps() const { return strides_; }
  T* data() const { return data_; }

  template <class... Index>
  T& operator()(Index... index) const {
    const std::array<std::int64_t, sizeof...(Index)> at{static_cast<std::int64_t>(index)...};
    return (*this)[std::span<const std::int64_t>(at)];
  }

  T& operator[](std::span<const std::int64_t> index) const {
    if (int(index.size()) != shape_.rank()) {
      throw shape_error(std::to_string(index.size()) + " indices into shape " + shape_.text() +
                        ", expected " + std::to_string(shape_.rank()));
    }
    std::int64_t offset = 0;
    for (int axis = 0; axis < shape_.rank(); ++axis) {
      offset += inside(axis, index[std::size_t(axis)]) * strides_[std::size_t(axis)];
    }
    return data_[offset];
  }

  /// Are the elements adjacent, in row-major order? Axes of extent 1 may have any stride.
  bool is_contiguous() const {
    const strides expected = row_major(shape_);
    for (int axis = 0; axis < shape_.rank(); ++axis) {
      const auto i = std::size_t(axis);
      if (shape_[axis] > 1 && shape_.count() > 0 && strides_[i] != expected[i]) return false;
    }
    return true;
  }

  /// All elements in row-major order; only a contiguous view has them so.
  std::span<T> elements() const {
    if (!is_contiguous())
      throw shape_error("elements of a view that is not contiguous, " + shape_.text());
    return {data_, std::size_t(shape_.count())};
  }

  /// The view at one index of an axis, which disappears.
  view select(int axis, std::int64_t index) const {
    const std::size_t gone = shape_.checked(axis);
    std::vector<std::int64_t> extents(shape_.extents().begin(), shape_.extents().end());
    strides steps = strides_;
    extents.erase(extents.begin() + axis);
    std::copy(strides_.begin() + axis + 1, strides_.end(), steps.begin() + axis);
    return {data_ + inside(axis, index) * strides_[gone], shape(extents), steps};
  }

  /// `count` indices of an axis from `first` on.
  view slice(int axis, std::int64_t first, std::int64_t count) const {
    const std::size_t i = shape_.checked(axis);
    if (first < 0 || count < 0 || first > shape_[axis] - count) {
      throw shape_error("slice [" + std::to_string(first) + ", " + std::to_string(first + count) +
                        ") of axis " + std::to_string(axis) + " of shape " + shape_.text());
    }
    std::vector<std::int64_t> extents(shape_.extents().begin(), shape_.extents().end());
    extents[i] = count;
    return {data_ + first * strides_[i], shape(extents), strides_};
  }

  /// Two axes exchanged; no element moves.
  view transpose(int a, int b) const {
    const std::size_t i = shape_.checked(a);
    const std::size_t j = shape_.checked(b);
    std::vector<std::int64_t> extents(shape_.extents().begin(), shape_.extents().end());
    strides steps = strides_;
    std::swap(extents[i], extents[j]);
    std::swap(steps[i], steps[j]);
    return {data_, shape(extents), steps};
  }

  /// The same elements in row-major order under another shape; the view must be contiguous.
  view reshape(const shape& to) const {
    if (to.count() != shape_.count()) {
      throw shape_error("reshape of " + shape_.text() + ", " + std::to_string(shape_.count()) +
                        " elements, to " + to.text() + ", " + std::to_string(to.count()));
    }
    return {elements().data(), to};
  }

 private:
  std::int64_t inside(int axis, std::int64_t index) const {
    if (index < 0 || index >= shape_[axis]) {
      throw shape_error("index " + std::to_string(index) + " on axis " + std::to_string(axis) +
                        " of shape " + shape_.text() + ", expected 0 to " +
                        std::to_string(shape_[axis] - 1));
    }
    return index;
  }

  T* data_;
  shape shape_;
  strides strides_;
};

/// Elements in row-major order, owned; each T() at first, zero for our scalars.
template <class T>
class tensor {
 public:
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements to point to");

  tensor() = default;
  explicit tensor(const shape& extents)
      : shape_(extents), elements_(std::size_t(extents.count())) {}
  tensor(const shape& extents, std::vector<T> elements)
      : shape_(extents), elements_(std::move(elements)) {
    if (std::int64_t(elements_.size()) != shape_.count()) {
      throw shape_error("shape " + shape_.text() + " needs " + std::to_string(shape_.count()) +
                        " elements, got " + std::to_string(elements_.size()));
    }
  }

  const shape& extents() const { return shape_; }
  std::span<T> elements() { return elements_; }
  std::span<const T> elements() const { return elements_; }
  reference::view<T> view() { return {elements_.data(), shape_}; }
  reference::view<const T> view() const { return {elements_.data(), shape_}; }

  template <class... Index>
  T& operator()(Index... index) {
    return view()(index...);
  }
  template <class... Index>
  const T& operator()(Index... index) const {
    return view()(index...);
  }

 private:
  shape shape_;
  std::vector<T> elements_ = std::vector<T>(std::size_t(shape_.count()));
};

}  // namespace assay::reference

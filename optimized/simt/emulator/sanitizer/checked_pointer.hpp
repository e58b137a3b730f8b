// global<T> and shared<T> of the sanitized build: an address, and the bounds it must stay in. Every
// access says where in the source it stands.
#pragma once

#include "optimized/simt/emulator/sanitizer/access.hpp"

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <source_location>
#include <type_traits>
#include <utility>

namespace assay::simt::inline ASSAY_BUILD {

enum class space : unsigned char { global, shared };

// An index, and the place where it was written. (g++ 12 gives all of a statement the column of one
// of its operators: sites are told apart by file and line alone.)
struct subscript {
  std::ptrdiff_t index;
  std::source_location where;

  template <std::integral Index>
  constexpr subscript(Index i, std::source_location at = std::source_location::current())
      : index(static_cast<std::ptrdiff_t>(i)), where(at) {}
};

template <class T, space Space>
class checked_pointer;
template <class T, space Space>
class checked_reference;

namespace detail {
// What stands on the right of p[i] += ...: a value, or what another pointer's subscript returns.
template <class T>
T value_of(const T& value) {
  return value;
}
template <class T, space Space>
std::remove_cv_t<T> value_of(checked_reference<T, Space>&& from) {
  return std::move(from);
}
}  // namespace detail

// What p[i] returns. It can be used at once, and not be kept: everything it offers is for rvalues,
// so that `auto v = p[i]; use(v)` does not compile instead of reading memory later than it seems
// to.
template <class T, space Space>
class checked_reference {
 public:
  using value_type = std::remove_cv_t<T>;
  static constexpr bool k_is_writable = !std::is_const_v<T>;
  static_assert(std::is_trivially_copyable_v<value_type> && sizeof(T) <= 16 &&
                    (sizeof(T) & (sizeof(T) - 1)) == 0,
                "memory is accessed in 1, 2, 4, 8 or 16 bytes");

  checked_reference(T* address, const extent* bounds, std::source_location where)
      : address_(address), bounds_(bounds), where_(where) {}
  checked_reference(const checked_reference&) = delete;

  operator value_type() && {
    value_type value;
    std::memcpy(&value, checked_read(address_, bounds_, sizeof(T), where_), sizeof value);
    return value;
  }
  checked_pointer<T, Space> operator&() && { return {address_, bounds_}; }

  value_type operator=(value_type value) &&
        requires k_is_writable
  {
    std::memcpy(checked_write(address_, bounds_, sizeof(T), where_), &value, sizeof value);
    return value;
  }
  // NOLINTNEXTLINE(performance-noexcept-move-constructor): a write may throw
  value_type operator=(checked_reference&& other) &&
        requires k_is_writable
  {
    return std::move(*this) = take(std::move(other));
  }
  template <class U, space OtherSpace>
      value_type operator=(checked_reference<U, OtherSpace>&& other) &&
        requires k_is_writable
  {
    using other_value = typename checked_reference<U, OtherSpace>::value_type;
    return std::move(*this) = static_cast<value_type>(static_cast<other_value>(std::move(other)));
  }

  template <class U>
      value_type operator+=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v + b; });
  }
  template <class U>
      value_type operator-=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v - b; });
  }
  template <class U>
      value_type operator*=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v * b; });
  }
  template <class U>
      value_type operator/=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v / b; });
  }
  template <class U>
      value_type operator%=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v % b; });
  }
  template <class U>
      value_type operator&=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v & b; });
  }
  template <class U>
      value_type operator|=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v | b; });
  }
  template <class U>
      value_type operator^=(U&& by) &&
        requires k_is_writable
  {
    return update([b = detail::value_of(std::forward<U>(by))](value_type v) { return v ^ b; });
  }
  value_type operator++() &&
        requires k_is_writable
  {
    return update([](value_type v) { return v + 1; });
  }
  value_type operator--() &&
        requires k_is_writable
  {
    return update([](value_type v) { return v - 1; });
  }
  value_type operator++(int) &&
        requires k_is_writable
  {
    value_type old;
    update([&old](value_type v) { return (old = v) + 1; });
    return old;
  }
  value_type operator--(int) &&
        requires k_is_writable
  {
    value_type old;
    update([&old](value_type v) { return (old = v) - 1; });
    return old;
  }

 private:
  static value_type take(checked_reference&& from) { return std::move(from); }

  template <class Change>
  value_type update(Change change) {
    const value_type old = checked_reference(address_, bounds_, where_);
    return checked_reference(address_, bounds_, where_) = static_cast<value_type>(change(old));
  }

  T* address_;
  const extent* bounds_;
  std::source_location where_;
};

template <class T, space Space>
class checked_pointer {
 public:
  checked_pointer() = default;
  checked_pointer(std::nullptr_t) {}
  checked_pointer(T* address, const extent* bounds) : address_(address), bounds_(bounds) {}

  operator checked_pointer<const T, Space>() const
    requires(!std::is_const_v<T>)
  {
    return {address_, bounds_};
  }
  explicit operator bool() const { return address_ != nullptr; }

  checked_reference<T, Space> operator[](subscript i) const {
    return {address_ + i.index, bounds_, i.where};
  }
  checked_pointer operator+(std::ptrdiff_t n) const { return {address_ + n, bounds_}; }
  checked_pointer operator-(std::ptrdiff_t n) const { return {address_ - n, bounds_}; }
  checked_pointer& operator+=(std::ptrdiff_t n) { return *this = *this + n; }
  checked_pointer& operator-=(std::ptrdiff_t n) { return *this = *this - n; }
  checked_pointer& operator++() { return *this += 1; }
  checked_pointer& operator--() { return *this -= 1; }
  std::ptrdiff_t operator-(const checked_pointer& other) const { return address_ - other.address_; }
  bool operator==(const checked_pointer& other) const { return address_ == other.address_; }
  auto operator<=>(const checked_pointer& other) const { return address_ <=> other.address_; }

  T* address() const { return address_; }
  const extent* bounds() const { return bounds_; }

  // For an atomic of the given kind, which is about to happen.
  template <class Kind>
  T* atomic_address(Kind kind, std::source_location where) const {
    static_assert(!std::is_const_v<T>, "the memory is const");
    return static_cast<T*>(
        checked_atomic(address_, bounds_, sizeof(T), kind == Kind::exchange, where));
  }

 private:
  T* address_ = nullptr;
  const extent* bounds_ = &k_no_extent;
};

template <class T, space Space>
checked_pointer<T, Space> operator+(std::ptrdiff_t n, checked_pointer<T, Space> p) {
  return p + n;
}

template <class T>
using global = checked_pointer<T, space::global>;
template <class T>
using shared = checked_pointer<T, space::shared>;

namespace detail {
template <class Pointer>
struct pointee_of;
template <class T, space Space>
struct pointee_of<checked_pointer<T, Space>> {
  using type = T;
};
}  // namespace detail
template <class Pointer>
using pointee = typename detail::pointee_of<Pointer>::type;

template <class U, class T, space Space>
auto view(checked_pointer<T, Space> p) {
  using viewed = std::conditional_t<std::is_const_v<T>, const U, U>;
  return checked_pointer<viewed, Space>(reinterpret_cast<viewed*>(p.address()), p.bounds());
}

template <class T, space Space>
std::remove_cv_t<T> load_at(checked_pointer<T, Space> p, std::source_location where) {
  return p[{0, where}];
}
template <class T, space Space>
void store_at(checked_pointer<T, Space> p, std::type_identity_t<T> value,
              std::source_location where) {
  p[{0, where}] = value;
}

template <class T>
global<T> bind(const void* memory, std::size_t bytes) {
  return {static_cast<T*>(const_cast<void*>(memory)), find_extent(memory, bytes)};
}

}  // namespace assay::simt::inline ASSAY_BUILD

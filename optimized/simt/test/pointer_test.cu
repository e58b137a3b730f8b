// What kernels may write of pointers, and what must not compile.
#include "optimized/simt/test/kernel_test.cuh"

#include <type_traits>

namespace assay::simt::inline ASSAY_BUILD::test {

__global__ void arithmetic(global<const int> x, global<int> y) {
  const global<const int> third = x + 3;
  y[0] = third[0];
  y[1] = (third - 2)[0];
  y[2] = static_cast<int>(third - x);
  y[3] = (&x[4])[1];
  global<const int> walk = x;
  ++walk;
  walk += 5;
  --walk;
  walk -= 1;
  y[4] = walk[0];
  y[5] = third == &x[3] && third > x && x != third && third <= x + 3;
  const global<const int> as_const = y;
  y[6] = as_const[0];
  y[7] = (1 + x)[0] + x[1] * x[2] - x[3];
}

KERNEL_TEST(pointer, has_the_arithmetic_of_a_pointer) {
  auto x = on_device(counted_up<int>(10), "x");
  buffer<int> y(this_device(), 8, "y");
  run_clean([&](stream& turn) {
    launch(arithmetic, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y));
  });
  EXPECT_EQ(y.to_vector(), (std::vector<int>{3, 1, 3, 5, 4, 1, 3, 0}));
}

__global__ void assignments(global<int> y, global<const int> x) {
  y[0] = y[1] = x[5];
  y[2] = 1;
  y[2] += x[3];
  y[2] *= 10;
  y[2] -= 2;
  y[2] /= 2;
  y[3] = 0xff;
  y[3] &= 0x3c;
  y[3] |= 1;
  y[3] ^= 0x10;
  y[3] %= 32;
  y[4] = 7;
  y[5] = y[4]++;
  y[6] = ++y[4];
  y[7] = --y[4];
  y[8] = x[2] < x[3] ? x[4] : x[5];
  y[9] = -x[1];
}

KERNEL_TEST(pointer, elements_are_assigned_and_changed_in_place) {
  auto x = on_device(counted_up<int>(10), "x");
  buffer<int> y(this_device(), 10, "y");
  run_clean([&](stream& turn) {
    launch(assignments, dim3(1), dim3(1), 0, turn, bind(y), bind(std::as_const(x)));
  });
  EXPECT_EQ(y.to_vector(), (std::vector<int>{5, 5, 19, 13, 8, 7, 9, 8, 4, -1}));
}

// What is returned is what stood there, not what can be calculated from the sum.
__global__ void count_by_float(global<float> y) {
  y[2] = y[0]++;
  y[3] = y[1]--;
}

KERNEL_TEST(pointer, counting_returns_the_old_value) {
  auto y = on_device(std::vector<float>{1e-8f, 3e8f, 0, 0}, "y");
  run_clean([&](stream& turn) { launch(count_by_float, dim3(1), dim3(1), 0, turn, bind(y)); });
  EXPECT_EQ(y.to_vector(), (std::vector<float>{1, 3e8f, 1e-8f, 3e8f}));
}

__global__ void views(global<const float> x, global<float> y) {
  __shared__ array<float, 8> tile;
  const float4 four = view<float4>(x)[1];
  const float2 two = view<float2>(x)[1];
  view<float4>(&tile[0])[1] = make_float4(four.w, four.z, four.y, four.x);
  view<float2>(y)[0] = two;
  y[2] = tile[4];
  y[3] = tile[7];
  y[4] = static_cast<float>(view<unsigned char>(x + 1)[3]);  // the high byte of 1.0f
}

KERNEL_TEST(pointer, shows_memory_as_vectors) {
  auto x = on_device(counted_up<float>(8), "x");
  buffer<float> y(this_device(), 5, "y");
  run_clean([&](stream& turn) {
    launch(views, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y));
  });
  EXPECT_EQ(y.to_vector(), (std::vector<float>{2, 3, 7, 4, 0x3f}));
}

__global__ void cached(global<const float4> x, global<float4> y) {
  store_cs(y, load_nc(x));
  store_cs(y + 1, load_cs(x + 1));
}

KERNEL_TEST(pointer, loads_and_stores_with_cache_hints) {
  auto x = on_device(std::vector<float4>{{1, 2, 3, 4}, {5, 6, 7, 8}}, "x");
  buffer<float4> y(this_device(), 2, "y");
  run_clean([&](stream& turn) {
    launch(cached, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y));
  });
  EXPECT_EQ(y.to_vector()[0].z, 3);
  EXPECT_EQ(y.to_vector()[1].w, 8);
}

// ---- what must not compile

// A const input is not written.
template <class Pointer>
concept written_by_value = requires(Pointer p) { p[0] = 1; };
static_assert(written_by_value<global<int>> && written_by_value<shared<int>>);
static_assert(!written_by_value<global<const int>> && !written_by_value<shared<const int>>);
static_assert(!std::is_convertible_v<global<const int>, global<int>>);
static_assert(std::is_convertible_v<global<int>, global<const int>>);

#if defined(ASSAY_SANITIZED)
// Global and shared pointers are not each other.
static_assert(!std::is_convertible_v<global<int>, shared<int>>);
static_assert(!std::is_convertible_v<shared<int>, global<int>>);

// `auto v = p[i]` gives a name to a proxy. A name is an lvalue, and with an lvalue of it nothing
// can be done: not read, not written, not copied, no address taken. (A plain C++ reference would
// read memory when v is used, not where p[i] stands.)
using proxy = decltype(std::declval<global<int>>()[0]);
template <class Proxy>
concept readable = requires(Proxy p) { static_cast<int>(static_cast<Proxy&&>(p)); };
template <class Proxy>
concept usable_in_arithmetic = requires(Proxy p) { static_cast<Proxy&&>(p) + 1; };
template <class Proxy>
concept assignable = requires(Proxy p) { static_cast<Proxy&&>(p) = 1; };
template <class Proxy>
concept incrementable = requires(Proxy p) { static_cast<Proxy&&>(p) += 1; };
static_assert(readable<proxy> && usable_in_arithmetic<proxy> && assignable<proxy> &&
              incrementable<proxy>);
static_assert(!readable<proxy&> && !usable_in_arithmetic<proxy&>);
static_assert(!assignable<proxy&> && !incrementable<proxy&>);
static_assert(!readable<const proxy&> && !usable_in_arithmetic<const proxy&>);
static_assert(!std::is_copy_constructible_v<proxy> && !std::is_move_constructible_v<proxy>);
static_assert(!std::is_convertible_v<proxy&, int> && std::is_convertible_v<proxy, int>);

// Nor can an input be written through it.
using const_proxy = decltype(std::declval<global<const int>>()[0]);
static_assert(readable<const_proxy> && !assignable<const_proxy> && !incrementable<const_proxy>);
template <class Proxy>
concept countable = requires(Proxy p) { static_cast<Proxy&&>(p)++; };
static_assert(countable<proxy> && !countable<const_proxy>);
static_assert(!std::is_assignable_v<const_proxy, proxy>);
static_assert(std::is_assignable_v<proxy, const_proxy>);

KERNEL_TEST(pointer, refuses_to_be_used_on_the_host) {
  auto x = on_device(std::vector<int>{1}, "x");
  EXPECT_THROW(static_cast<void>(static_cast<int>(bind(x)[0])), error);
}
#endif

}  // namespace assay::simt::inline ASSAY_BUILD::test

// CUDA's built-in vector types, for compilers that do not have them: same names, layout and
// alignment.
#pragma once

#include "optimized/simt/build.cuh"

#if defined(__CUDACC__)

#include <vector_functions.h>
#include <vector_types.h>

#else

namespace assay::simt::inline ASSAY_BUILD {

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_size = 1, unsigned y_size = 1, unsigned z_size = 1)
      : x(x_size), y(y_size), z(z_size) {}
  constexpr dim3(uint3 size) : x(size.x), y(size.y), z(size.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

template <class T>
struct alignas(2 * sizeof(T)) pair_of {
  T x, y;
};
template <class T>
struct alignas(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) four_of {
  T x, y, z, w;
};

using short2 = pair_of<short>;
using ushort2 = pair_of<unsigned short>;
using int2 = pair_of<int>;
using uint2 = pair_of<unsigned>;
using float2 = pair_of<float>;
using double2 = pair_of<double>;
using short4 = four_of<short>;
using ushort4 = four_of<unsigned short>;
using int4 = four_of<int>;
using uint4 = four_of<unsigned>;
using float4 = four_of<float>;

constexpr int2 make_int2(int x, int y) { return {x, y}; }
constexpr int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
constexpr uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
constexpr uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
constexpr float2 make_float2(float x, float y) { return {x, y}; }
constexpr float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
constexpr double2 make_double2(double x, double y) { return {x, y}; }

}  // namespace assay::simt::inline ASSAY_BUILD

using assay::simt::dim3;
using assay::simt::double2;
using assay::simt::float2;
using assay::simt::float4;
using assay::simt::int2;
using assay::simt::int4;
using assay::simt::make_double2;
using assay::simt::make_float2;
using assay::simt::make_float4;
using assay::simt::make_int2;
using assay::simt::make_int4;
using assay::simt::make_uint2;
using assay::simt::make_uint4;
using assay::simt::short2;
using assay::simt::short4;
using assay::simt::uint2;
using assay::simt::uint3;
using assay::simt::uint4;
using assay::simt::ushort2;
using assay::simt::ushort4;

#endif

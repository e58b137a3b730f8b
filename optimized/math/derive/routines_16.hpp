// The 16-bit routines as functions of their tables.
#pragma once

#include "exact.hpp"
#include "optimized/math/gelu_erf_16.cuh"
#include "optimized/math/gelu_tanh_16.cuh"
#include "optimized/math/mish_16.cuh"
#include "optimized/math/silu_16.cuh"

#include <cstring>

namespace derive {

struct routine_16 {
  std::string name, truth;
  format type;
  std::size_t size;   // of the table, in coefficients
  std::size_t fixed;  // the coefficient that must not move (half_16.cuh); 99 where there is none
  float (*run)(const float* table, float x);
};

// A table is nothing but its coefficients in a row.
template <class Table>
Table table_of(const float* coefficients) {
  Table table;
  std::memcpy(&table, coefficients, sizeof table);
  return table;
}

#define ASSAY_ROUTINE_16(function, type, fixed, ...)                                              \
  {                                                                                               \
    #function "_" #type, #function, k_##type, sizeof(__VA_ARGS__) / sizeof(float), fixed,         \
        [](const float* table, float x) {                                                         \
          return assay::optimized::math::function##_##type##_by(table_of<__VA_ARGS__>(table), x); \
        }                                                                                         \
  }

inline const std::vector<routine_16>& routines_16() {
  using namespace assay::optimized::math;
  constexpr std::size_t none = 99;
  static const std::vector<routine_16> all = {
      ASSAY_ROUTINE_16(gelu_erf, bf16, 8, gelu_erf_table<8, 5>),
      ASSAY_ROUTINE_16(gelu_erf, fp16, none, gelu_erf_table<9, 6>),
      ASSAY_ROUTINE_16(gelu_erf_derivative, bf16, none, gelu_erf_table<10, 5>),
      ASSAY_ROUTINE_16(gelu_erf_derivative, fp16, none, gelu_erf_table<10, 6>),
      ASSAY_ROUTINE_16(gelu_tanh, bf16, 0, gate_short_table<5, 7>),
      ASSAY_ROUTINE_16(gelu_tanh, fp16, none, gate_table<6>),
      ASSAY_ROUTINE_16(gelu_tanh_derivative, bf16, none, gate_table<6>),
      ASSAY_ROUTINE_16(gelu_tanh_derivative, fp16, none, gate_table<6>),
      ASSAY_ROUTINE_16(silu, bf16, none, gate_table<6>),
      ASSAY_ROUTINE_16(silu, fp16, none, gate_table<6>),
      ASSAY_ROUTINE_16(silu_derivative, bf16, none, gate_table<6>),
      ASSAY_ROUTINE_16(silu_derivative, fp16, none, gate_table<6>),
      ASSAY_ROUTINE_16(mish, bf16, none, mish_table<5>),
      ASSAY_ROUTINE_16(mish, fp16, none, mish_table<6>),
      ASSAY_ROUTINE_16(mish_derivative, bf16, none, mish_table<5>),
      ASSAY_ROUTINE_16(mish_derivative, fp16, none, mish_table<6>),
  };
  return all;
}

}  // namespace derive

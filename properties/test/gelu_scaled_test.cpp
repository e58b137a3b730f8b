// gelu(alpha x) where a factor is infinite: the truth of dalpha, and the kernel's.

#include "properties/harness.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_inf = reference::k_infinity;

struct pair_of_elements {
  double x, dy, alpha, dalpha;
};

// An element alone, and beside one that is finite.
std::vector<std::vector<double>> with_company(double value, double other) {
  return {{value}, {other, value}, {value, other}};
}

TEST(gelu_scaled, dalpha_is_the_plain_sum_where_a_term_is_infinite) {
  const pair_of_elements cases[] = {
      {k_inf, 1, 1, k_inf},
      {k_inf, -1, 1, -k_inf},
      {k_inf, 2, 0.75, k_inf},
      {1, k_inf, 1, k_inf},
      {-1, k_inf, 1, k_inf},
      {-1, -k_inf, 1, -k_inf},
      {-k_inf, 1, -1, -k_inf},
      {k_inf, k_inf, 1, k_inf},
      {0, k_inf, 1, std::nan("")},
      {k_inf, 0, 1, std::nan("")},
      {1, std::nan(""), 1, std::nan("")},
      // gelu' has underflowed in fp32, and infinity times zero is no number (a policy).
      {-20, k_inf, 1, std::nan("")},
      {-k_inf, k_inf, 1, std::nan("")},
  };
  for (const pair_of_elements& each : cases) {
    const auto xs = with_company(each.x, 0.5), dys = with_company(each.dy, 0.25);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const case_id id = parse_case("v1/gelu.scaled.bwd/x=fp32,dy=fp32,dx=fp32,dalpha=fp32/n=" +
                                    std::to_string(xs[i].size()) +
                                    ",alpha=" + number(each.alpha).text() + "/dist=normal/seed=0");
      const case_inputs inputs{id, {xs[i], dys[i]}, {each.alpha}};
      const std::string at = print(id) + " x=" + std::to_string(each.x);
      EXPECT_TRUE(reference::same(contract_of(id).exact(inputs)[1].value[0], each.dalpha)) << at;
      EXPECT_TRUE(
          reference::same(outputs_of({id, "fused", "emulator", 0}, inputs, {})[1][0], each.dalpha))
          << at;
    }
  }
}

TEST(gelu_scaled, dalpha_takes_nothing_from_where_alpha_x_is_minus_infinity) {
  for (const auto& [x, alpha] : {std::pair(-k_inf, 1.0), {k_inf, -1.0}, {-k_inf, 0.75}}) {
    const case_id id = parse_case(
        "v1/gelu.scaled.bwd/x=fp32,dy=fp32,dx=fp32,dalpha=fp32/n=2,alpha=" + number(alpha).text() +
        "/dist=normal/seed=0");
    const case_inputs inputs{id, {{x, 1}, {2, 0}}, {alpha}};
    const prepared_case prepared{&contract_of(id), inputs, contract_of(id).exact(inputs)};
    EXPECT_LE(std::abs(prepared.exact[1].value[0]), 0x1p-149) << x;
    const auto got = outputs_of({id, "fused", "emulator", 0}, inputs, {});
    EXPECT_EQ(got[1][0], 0) << x;
    for (const output_verdict& each : judge(prepared, *prepared.of->find("fused"), got))
      EXPECT_TRUE(each.strict.passed()) << each.tensor << ": " << each.strict.reason;
  }
}

}  // namespace
}  // namespace assay::properties

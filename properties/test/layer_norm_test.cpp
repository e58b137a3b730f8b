// Layer norm: what its kernels read, its policies, what its bounds leave out, and rows of every
// kernel under every sanitizer.

#include "properties/harness.hpp"
#include "properties/layer_norm_rows.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_inf = reference::k_infinity;

case_id case_of(const std::string& variant, const std::string& direction, dtype type,
                const fields& shape, const distribution_id& from = {"normal", {}}) {
  case_id id{"layer_norm", variant, direction, {}, shape, from, 3};
  const contract& c = contract_of(id);
  std::size_t which = 0;
  while (c.signatures[which].front() != type) ++which;
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back({each.name, c.signatures[which][at++]});
  return id;
}

run_report run_of(const prepared_case& prepared, const std::string& by,
                  std::uint64_t schedule = 0) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = false;
  settings.judged_by.scatter = false;  // `pass_all_their_cases` has that
  return run({prepared.inputs.id, by, "emulator", schedule}, prepared, settings);
}

simt::counters counted(const case_id& id, const std::string& by) {
  const run_report report = run_of(prepare(id), by);
  EXPECT_EQ(report.result, outcome::passed) << print(report.id) << ": " << report.reason;
  return report.counted;
}

// y, mean, rstd of one row by an implementation of layer_norm.plain.fwd, with gamma = 2, beta = 3.
std::vector<std::vector<double>> results_of_row(const std::string& by, const std::vector<double>& x,
                                                double eps) {
  const case_id id =
      case_of("plain", "fwd", dtype::fp32, {{"rows", 1}, {"c", std::int64_t(x.size())}});
  return outputs_of({id, by, "emulator", 0},
                    {id, {x, std::vector(x.size(), 2.0), std::vector(x.size(), 3.0)}, {eps}}, {});
}

// By words of 16 bytes; gamma and beta, as long as there are few rows, for each of them.
TEST(layer_norm, reads_a_row_that_fits_on_chip_once_and_the_textbook_three_times) {
  for (dtype type : {dtype::fp32, dtype::bf16, dtype::fp16})
    for (std::int64_t n : {768, 1024, 8192}) {
      const case_id id = case_of("plain", "fwd", type, {{"rows", 2}, {"c", n}});
      const auto bytes = std::uint64_t(2 * n) * size_of(type);
      const simt::counters fast = counted(id, "shifted"), naive = counted(id, "two_pass");
      EXPECT_EQ(fast.global_load_bytes, 3 * bytes);
      EXPECT_EQ(fast.global_loads, 3 * ((bytes / 2 + 511) / 512) * 2);
      EXPECT_EQ(fast.global_store_bytes, bytes + 2 * 8);
      EXPECT_EQ(naive.global_load_bytes, 5 * bytes);
    }
}

// 4096 rows: 2048 warps take two each.
TEST(layer_norm, of_many_rows_reads_gamma_and_beta_once_for_several) {
  const case_id id = case_of("plain", "fwd", dtype::bf16, {{"rows", 4096}, {"c", 32}});
  EXPECT_EQ(counted(id, "shifted").global_load_bytes, (4096 + 2 * 2048) * 32 * 2u);
}

TEST(layer_norm, gradients_read_x_and_dy_once) {
  for (std::int64_t n : {1024, 8192}) {
    const case_id id = case_of("plain", "bwd", dtype::bf16, {{"rows", 16}, {"c", n}});
    const simt::counters fast = counted(id, "one_pass"), naive = counted(id, "two_pass");
    const std::uint64_t matrix = 16 * std::uint64_t(n) * 2, blocks = n == 1024 ? 2 : 16,
                        threads = n == 1024 ? 32 : 256, parts = blocks * 2 * std::uint64_t(n) * 4;
    EXPECT_EQ(fast.global_load_bytes, 2 * matrix + matrix + 16 * threads * 8 + parts);
    EXPECT_EQ(fast.global_store_bytes, matrix + parts + 8 * std::uint64_t(n));
    EXPECT_GE(naive.global_load_bytes, 6 * matrix);
    EXPECT_EQ(fast.global_atomics, 0u);
    EXPECT_EQ(fast.shared_bank_conflicts, 0u);
  }
}

TEST(layer_norm, of_rows_of_every_kernel_passes_under_every_sanitizer) {
  for (const char* variant : {"plain", "residual"})
    for (const char* direction : {"fwd", "bwd"})
      for (const std::int64_t n : {1025, 8192, 8193, 17000}) {
        const prepared_case prepared =
            prepare(case_of(variant, direction, dtype::bf16, {{"rows", 2}, {"c", n}}));
        for (const implementation& by : prepared.of->implementations) {
          const run_report report = run_of(prepared, by.name, 5);
          EXPECT_EQ(report.result, outcome::passed) << print(report.id) << ": " << report.reason;
        }
      }
}

// Whatever the value and the length: the first element is subtracted before anything is added.
TEST(layer_norm, of_a_constant_row_is_beta_even_where_eps_is_0) {
  for (double value : {0.1, 1e30, -65504.0, 0x1p-149, 0.0})
    for (std::size_t n : {1u, 3u, 77u, 1001u, 5000u, 9001u}) {
      const double x = reference::round(reference::k_fp32, value);
      for (double eps : {0.0, 0x1p-20}) {
        const auto got = results_of_row("shifted", std::vector(n, x), eps);
        for (double y : got[0]) EXPECT_EQ(y, 3);
        EXPECT_EQ(got[1][0], x);
        EXPECT_EQ(got[2][0], eps == 0 ? 0 : 1024);
      }
    }
  const auto textbook = results_of_row("two_pass", std::vector(64, 0.5), 0);
  EXPECT_EQ(textbook[0][7], 3);
  EXPECT_EQ(textbook[2][0], 0);
}

TEST(layer_norm, with_a_NaN_or_an_infinity_is_NaN_in_that_row_alone) {
  for (const char* by : {"shifted", "two_pass"})
    for (std::size_t n : {70u, 3000u, 9001u})
      for (double strange : {reference::k_nan, k_inf, -k_inf})
        for (std::size_t at : {std::size_t(0), std::size_t(33), n - 1}) {
          const case_id id =
              case_of("plain", "fwd", dtype::fp32, {{"rows", 3}, {"c", std::int64_t(n)}});
          case_inputs in = make_inputs(contract_of(id), id);
          const auto before = outputs_of({id, by, "emulator", 0}, in, {});
          in.values[0][n + at] = strange;
          const auto after = outputs_of({id, by, "emulator", 0}, in, {});
          for (std::size_t i = 0; i < 3 * n; ++i)
            if (i / n == 1)
              EXPECT_TRUE(std::isnan(after[0][i]));
            else
              EXPECT_EQ(after[0][i], before[0][i]);
          for (std::size_t k : {1u, 2u}) {
            EXPECT_EQ(after[k][0], before[k][0]);
            EXPECT_TRUE(std::isnan(after[k][1])) << by << " " << k << " " << strange << " " << at;
            EXPECT_EQ(after[k][2], before[k][2]);
          }
        }
}

TEST(layer_norm, of_nothing_has_mean_0) {
  for (const char* by : {"shifted", "two_pass"}) {
    const auto got = results_of_row(by, {}, 0.25);
    EXPECT_TRUE(got[0].empty());
    EXPECT_EQ(got[1], std::vector<double>{0});
    EXPECT_EQ(got[2], std::vector<double>{2});
  }
}

TEST(layer_norm, gradients_of_no_rows_are_zeros) {
  const case_id id = case_of("plain", "bwd", dtype::bf16, {{"rows", 0}, {"c", 45}});
  for (const char* by : {"one_pass", "two_pass"}) {
    const auto got = outputs_of({id, by, "emulator", 0}, make_inputs(contract_of(id), id), {});
    EXPECT_EQ(got[1], std::vector<double>(45, 0));
    EXPECT_EQ(got[2], std::vector<double>(45, 0));
  }
}

// Rows a million of their spreads away from zero: `shifted` promises what it promises anywhere, and
// keeps it; of the textbook's nothing can be said.
TEST(layer_norm, holds_its_bound_far_from_zero) {
  const case_id id = case_of("plain", "fwd", dtype::fp32, {{"rows", 4}, {"c", 999}},
                             {"normal", {{"mean", 1e6}, {"scale", 1}}});
  const prepared_case prepared = prepare(id);
  const auto promised = [&](const char* by) -> bool {
    return promised_elements(prepared, *prepared.of->find(by), 0)[0];
  };
  EXPECT_TRUE(promised("shifted"));
  EXPECT_FALSE(promised("two_pass"));
  const auto limits = strict_limits(prepared, *prepared.of->find("shifted"));
  for (double limit : limits[0]) EXPECT_LT(limit, 1e-4);
  EXPECT_EQ(run_of(prepared, "shifted").result, outcome::passed);
}

std::string judged(const prepared_case& prepared, const implementation& by,
                   std::vector<std::vector<double>> outputs) {
  std::string wrong;
  std::size_t k = 0;
  for (auto& output : outputs) {
    const dtype type = prepared.inputs.id.types[prepared.of->inputs.size() + k++].type;
    for (double& each : output) each = round_to(type, each);
  }
  for (const output_verdict& v : judge(prepared, by, outputs))
    if (!v.strict.passed() || !v.scatter.passed()) wrong += v.tensor + " ";
  return wrong;
}

std::vector<std::vector<double>> truths(const prepared_case& prepared) {
  std::vector<std::vector<double>> all;
  for (const truth& each : prepared.exact) all.push_back(each.value);
  return all;
}

// Mistakes in the formula of y: a row, its exact mean, and what is made of it.
using forward_mistake = double (*)(double x, double mean, double variance, double n, double eps);
const std::pair<const char*, forward_mistake> k_forward_mistakes[] = {
    {"the variance divided by n - 1",
     [](double x, double mean, double v, double n, double eps) {
       return (x - mean) / std::sqrt(v * n / (n - 1) + eps);
     }},
    {"eps added to the root", [](double x, double mean, double v, double,
                                 double eps) { return (x - mean) / (std::sqrt(v) + eps); }},
    {"another eps", [](double x, double mean, double v, double,
                       double eps) { return (x - mean) / std::sqrt(v + 100 * eps); }},
    {"mean(x^2) - mean^2 in fp32",
     [](double x, double mean, double v, double, double eps) {
       const float square = float(v + mean * mean), coarse = square - float(mean) * float(mean);
       return (x - mean) / std::sqrt(double(coarse) + eps);
     }},
    {"rstd in bf16",
     [](double x, double mean, double v, double, double eps) {
       return (x - mean) * reference::round(reference::k_bf16, 1 / std::sqrt(v + eps));
     }},
    {"the mean of n - 1 elements",
     [](double x, double mean, double v, double n, double eps) {
       return (x - mean * n / (n - 1)) / std::sqrt(v + eps);
     }},
};

// Far enough from zero for what cancels there to show.
void expect_wrong_formulas_out_of_bound(double mean_of_data, bool cancelling) {
  const case_id id = case_of("plain", "fwd", dtype::fp32, {{"rows", 4}, {"c", 768}},
                             {"normal", {{"mean", mean_of_data}, {"scale", 2}}});
  const prepared_case prepared = prepare(id);
  const layer_norm_inputs in = layer_norm_inputs::of(prepared.inputs, false);
  for (const implementation& by : prepared.of->implementations) {
    EXPECT_EQ(judged(prepared, by, truths(prepared)), "") << by.name;
    for (const auto& [name, wrong] : k_forward_mistakes) {
      if ((std::string(name) == "mean(x^2) - mean^2 in fp32") != cancelling) continue;
      auto outputs = truths(prepared);
      for (std::size_t i = 0; i < in.x.size(); ++i) {
        const std::size_t r = i / 768, j = i % 768;
        const double mean = outputs[1][r], rstd = outputs[2][r], v = 1 / (rstd * rstd) - in.eps;
        outputs[0][i] = in.gamma[j] * wrong(in.x[i], mean, v, 768, in.eps) + in.beta[j];
      }
      EXPECT_EQ(judged(prepared, by, outputs), "y ") << by.name << ": " << name;
    }
  }
}

TEST(layer_norm, has_bounds_that_wrong_formulas_leave) {
  expect_wrong_formulas_out_of_bound(10, false);
  expect_wrong_formulas_out_of_bound(1000, true);
}

// Mistakes in dx: of w, xhat, and the means of w and w xhat.
using backward_mistake = double (*)(double w, double xhat, double a, double b, double n);
const std::pair<const char*, backward_mistake> k_backward_mistakes[] = {
    {"without the mean of w",
     [](double w, double xhat, double, double b, double) { return w - xhat * b; }},
    {"without the part along xhat",
     [](double w, double, double a, double, double) { return w - a; }},
    {"means over n - 1", [](double w, double xhat, double a, double b,
                            double n) { return w - (a + xhat * b) * n / (n - 1); }},
    {"the part along xhat added",
     [](double w, double xhat, double a, double b, double) { return w - a + xhat * b; }},
};

TEST(layer_norm, has_bounds_that_wrong_gradients_leave) {
  for (const char* variant : {"plain", "residual"}) {
    const case_id id = case_of(variant, "bwd", dtype::fp32, {{"rows", 20}, {"c", 768}});
    const prepared_case prepared = prepare(id);
    const auto in =
        layer_norm_gradient_inputs::of(prepared.inputs, std::string(variant) == "residual");
    for (const implementation& by : prepared.of->implementations) {
      EXPECT_EQ(judged(prepared, by, truths(prepared)), "") << by.name;
      for (const auto& [name, wrong] : k_backward_mistakes) {
        auto outputs = truths(prepared);
        for (std::int64_t r = 0; r < 20; ++r) {
          const auto xhat = reference::normalized(in.shape.row(in.x, r), in.statistics(r));
          const auto dy = in.shape.row(in.dy, r);
          double a = 0, b = 0;
          for (std::size_t j = 0; j < 768; ++j) {
            a += in.gamma[j] * dy[j] / 768;
            b += in.gamma[j] * dy[j] * xhat[j] / 768;
          }
          for (std::size_t j = 0; j < 768; ++j) {
            const std::size_t i = std::size_t(r) * 768 + j;
            outputs[0][i] =
                in.rstd[std::size_t(r)] * wrong(in.gamma[j] * dy[j], xhat[j], a, b, 768) +
                (in.dsum ? (*in.dsum)[i] : 0);
          }
        }
        EXPECT_EQ(judged(prepared, by, outputs), "dx ") << by.name << ": " << name;
      }
      auto outputs = truths(prepared);
      for (std::size_t j = 0; j < 768; ++j) {  // without the last row
        const std::size_t i = 19 * 768 + j;
        const double xhat = (in.x[i] - in.mean[19]) * in.rstd[19];
        outputs[1][j] -= in.dy[i] * xhat;
        outputs[2][j] -= in.dy[i];
      }
      EXPECT_EQ(judged(prepared, by, outputs), "dgamma dbeta ") << by.name;
    }
  }
}

}  // namespace
}  // namespace assay::properties

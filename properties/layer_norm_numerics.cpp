#include "properties/layer_norm_numerics.hpp"

#include "properties/layer_norm_model.hpp"
#include "properties/layer_norm_promises.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr std::int64_t k_threads = 256, k_warp = 32, k_warp_row = 1024, k_block_row = 8192;

// The order in which rows of a length are added up (optimized/layer_norm.cu chooses likewise).
layer_norm_order order_for(bool textbook, dtype type, std::int64_t length) {
  if (textbook || length > k_block_row) return {{k_threads, 1, 0}, !textbook};
  return {{length <= k_warp_row ? k_warp : k_threads, 16 / std::int64_t(size_of(type)), 0}, true};
}

// The same of the gradients of channels.
channel_order channels_for(bool textbook, const matrix_shape& shape) {
  const bool block_a_row = !textbook && shape.length > k_warp_row && shape.length <= k_block_row;
  const std::int64_t teams = block_a_row ? 1 : 8;
  return {std::clamp<std::int64_t>((shape.rows + 255) / 256, teams, 256), teams};
}

// Bytes by operation, as far as tensors are read more than once: rows_each rows in a team's turn
// read gamma and beta once.
double forward_traffic(bool residual, bool textbook, const case_id& id) {
  const matrix_shape shape = matrix_shape::of(id);
  const double rows = double(shape.rows), c = double(shape.length),
               element = double(size_of(id.types[0].type));
  const std::int64_t each = std::clamp<std::int64_t>(shape.rows / 2048, 1, 16);
  const bool on_chip = !textbook && shape.length <= k_block_row;
  const double teams = on_chip ? double((shape.rows + each - 1) / each) : rows;
  const double matrices = (residual ? 4 : 2) + (on_chip ? 0 : 2);
  const double pivot = on_chip || textbook || c == 0 ? 0 : residual ? 2 : 1;
  return (matrices * rows * c + 2 * teams * c + pivot * rows) * element + 8 * rows;
}

double backward_traffic(bool residual, bool textbook, const case_id& id) {
  const matrix_shape shape = matrix_shape::of(id);
  const double rows = double(shape.rows), c = double(shape.length),
               element = double(size_of(id.types[0].type));
  const bool on_chip = !textbook && shape.length <= k_block_row;
  const channel_order how = channels_for(textbook, shape);
  const std::int64_t blocks = (shape.rows + how.rows_each - 1) / how.rows_each;
  const double parts = double(blocks) * 2 * c * 4;
  double teams = 0;  // that have a row, and so read gamma
  for (std::int64_t b = 0; b < blocks; ++b)
    teams += double(std::min(how.teams, shape.rows - b * how.rows_each));
  const double matrices = (on_chip ? 3 : 7) + residual, gamma = on_chip ? teams * c : 2 * rows * c;
  // Mean and rstd are read by every thread of a row, and for the channels' sums by each element's.
  const double readers = on_chip ? double(k_threads) / double(how.teams) : double(k_threads) + c;
  return (matrices * rows * c + gamma) * element + 8 * rows * readers + 2 * parts +
         (c > 0 ? 8 * c : 0);
}

template <class Arithmetic>
model_outputs<Arithmetic> forward_model(const Arithmetic& a, const layer_norm_variant& of,
                                        bool textbook, const case_inputs& in) {
  const layer_norm_inputs given = layer_norm_inputs::of(in, of.residual);
  const layer_norm_order how = order_for(textbook, in.id.types[0].type, given.shape.length);
  const layer_norm_arithmetic<Arithmetic> rounds(a);
  model_outputs<Arithmetic> out(of.residual ? 4 : 3);
  const std::size_t y = out.size() - 3;
  if (of.residual)
    for (double each : given.x) out[0].push_back(a.exact(each));
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    const auto row =
        rounds.forward(given.shape.row(given.x, r), given.gamma, given.beta, given.eps, how);
    out[y].insert(out[y].end(), row.y.begin(), row.y.end());
    out[y + 1].push_back(row.mean);
    out[y + 2].push_back(row.rstd);
  }
  return out;
}

template <class Arithmetic>
model_outputs<Arithmetic> backward_model(const Arithmetic& a, const layer_norm_variant& of,
                                         bool textbook, const case_inputs& in) {
  const auto given = layer_norm_gradient_inputs::of(in, of.residual);
  const matrix_shape shape = given.shape;
  const row_order how = order_for(textbook, in.id.types[0].type, shape.length).row;
  const channel_order channels = channels_for(textbook, shape);
  const layer_norm_arithmetic<Arithmetic> rounds(a);
  using value = typename Arithmetic::value;
  model_outputs<Arithmetic> out(3);
  std::vector<value> xhat;
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    const auto statistics = given.statistics(r);
    const auto row = rounds.normalized(shape.row(given.x, r), statistics);
    xhat.insert(xhat.end(), row.begin(), row.end());
    const auto dx = rounds.gradient(
        shape.row(given.dy, r), shape.row(given.x, r), given.gamma,
        given.dsum ? shape.row(*given.dsum, r) : std::span<const double>(), statistics, how);
    out[0].insert(out[0].end(), dx.begin(), dx.end());
  }
  for (std::size_t j = 0; j < std::size_t(shape.length); ++j) {
    const auto at = [&](std::size_t r) { return r * std::size_t(shape.length) + j; };
    out[1].push_back(rounds.over_rows(shape.rows, channels, [&](const value& all, std::size_t r) {
      return a.fma(a.exact(given.dy[at(r)]), xhat[at(r)], all);
    }));
    out[2].push_back(rounds.over_rows(shape.rows, channels, [&](const value& all, std::size_t r) {
      return plus(a, all, a.exact(given.dy[at(r)]));
    }));
  }
  return out;
}

implementation forward_implementation(const layer_norm_variant& of, bool textbook) {
  implementation it;
  it.name = textbook ? "two_pass" : "shifted";
  it.about = textbook ? "mean, variance, results: three reads of the row"
                      : "all relative to the row's first element; the row in registers, read once";
  it.numerics = fmt::format("fp32, each operation rounded{}; sums of fp32 rows of 4096: {}",
                            of.residual ? "; the sum rounded to its dtype before" : "",
                            order_of(order_for(textbook, dtype::fp32, 4096).row).text());
  it.in_place = true;
  it.traffic = [=](const case_id& id) { return forward_traffic(of.residual, textbook, id); };
  it.promises = [=](const case_inputs& in, std::size_t output) {
    return promised_results(of.residual, textbook, in, output);
  };
  it.domain_text = textbook ? "rows whose squares fp32 has, and whose spread is well above the "
                              "error of their mean"
                            : "rows whose squares fp32 has";
  it.model = make_model([of, textbook](const auto& a, const case_inputs& in) {
    return forward_model(a, of, textbook, in);
  });
  return it;
}

implementation backward_implementation(const layer_norm_variant& of, bool textbook) {
  implementation it;
  it.name = textbook ? "two_pass" : "one_pass";
  it.about = textbook ? "means, then dx: two reads of the rows, a third for dgamma and dbeta"
                      : "dx, dgamma and dbeta from rows in registers, read once; no atomics";
  it.numerics = fmt::format(
      "fp32, each operation rounded; sums of fp32 rows of 4096: {}; over rows: {} of a block in "
      "turn, then the blocks",
      order_of(order_for(textbook, dtype::fp32, 4096).row).text(),
      textbook ? "8 slices" : "8 warps (or one block)");
  it.in_place = true;
  it.traffic = [=](const case_id& id) { return backward_traffic(of.residual, textbook, id); };
  it.promises = [=](const case_inputs& in, std::size_t output) {
    return promised_gradients(of.residual, in, output);
  };
  it.domain_text = "rows and channels whose products and sums fp32 has";
  it.model = make_model([of, textbook](const auto& a, const case_inputs& in) {
    return backward_model(a, of, textbook, in);
  });
  return it;
}

}  // namespace

std::vector<implementation> layer_norm_forward_implementations(const layer_norm_variant& of) {
  return {forward_implementation(of, false), forward_implementation(of, true)};
}

std::vector<implementation> layer_norm_backward_implementations(const layer_norm_variant& of) {
  return {backward_implementation(of, false), backward_implementation(of, true)};
}

}  // namespace assay::properties

#include "properties/cross_entropy_numerics.hpp"

#include "properties/cross_entropy_shape.hpp"
#include "properties/softmax_model.hpp"
#include "reference/softmax.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr std::int64_t k_threads = 256, k_staged_threads = 512, k_staged_group = 8;
constexpr std::int64_t k_staged_bytes = 104 * 1024;

struct entropy_kernel {
  const char *name, *about;
  bool staged = true, base_2 = false;
};

// A row in the order in which the staged kernel's threads meet it: thread t columns t, t + 512,
// ..., eight at once; what is behind the end is nothing.
std::vector<double> by_threads(std::span<const double> row) {
  constexpr std::int64_t k_step = k_staged_threads * k_staged_group;
  const std::size_t steps = (row.size() + k_step - 1) / k_step;
  std::vector<double> met(steps * k_step, -reference::k_infinity);
  for (std::size_t j = 0; j < row.size(); ++j) {
    const std::size_t thread = j % k_staged_threads, turn = j / k_staged_threads;
    met[(turn / k_staged_group * k_staged_threads + thread) * k_staged_group +
        turn % k_staged_group] = row[j];
  }
  return met;
}

template <class Arithmetic>
class entropy_model {
 public:
  using value = typename Arithmetic::value;

  entropy_model(const Arithmetic& arithmetic, const entropy_kernel& kernel, const case_inputs& in)
      : a_(arithmetic),
        kernel_(kernel),
        in_(in),
        shape_(entropy_shape::of(in.id)),
        rounds_(arithmetic, 1, kernel.base_2),
        factor_(Arithmetic::exact(entropy_scale(in))) {
    if (shape_.mean && rows_that_count(in) > 0)
      factor_ = a_.div(factor_, a_.constant(double(rows_that_count(in))));
  }

  model_outputs<Arithmetic> outputs() const {
    model_outputs<Arithmetic> out(shape_.total() + 1);
    std::vector<value>& losses = out[shape_.losses()];
    for (std::int64_t r = 0; r < shape_.rows; ++r) {
      std::vector<value> gradient;
      losses.push_back(of_row(r, gradient));
      if (!shape_.gradient) continue;
      gradient.resize(std::size_t(shape_.columns), Arithmetic::exact(0));
      out[0].insert(out[0].end(), gradient.begin(), gradient.end());
    }
    out[shape_.total()].push_back(total(losses));
    return out;
  }

 private:
  // The loss of a row; of the live columns the gradient.
  value of_row(std::int64_t r, std::vector<value>& gradient) const {
    const auto x = shape_.row(in_.values[k_logits], r);
    const std::int64_t target = target_of(in_, r);
    const auto all_are = [&](double number) {
      gradient.assign(x.size(), Arithmetic::exact(number));
      return Arithmetic::exact(number);
    };
    if (target < 0) return all_are(0);
    const bool undefined = reference::kind_of_row(x) == reference::row_kind::undefined;
    if (undefined || target >= shape_.live) return all_are(reference::k_nan);
    const auto sums = kernel_.staged
                          ? rounds_.online_row(by_threads(x), {k_staged_threads, k_staged_group, 0})
                          : rounds_.three_pass_row(x, k_threads);
    if (shape_.gradient) {
      gradient = rounds_.softmax_of(x, sums);
      for (std::size_t j = 0; j < gradient.size(); ++j) {
        const bool own = std::int64_t(j) == target;
        const value rest = own ? a_.sub(gradient[j], Arithmetic::exact(1)) : gradient[j];
        gradient[j] = a_.mul(rest, factor_);
      }
    }
    if (x[std::size_t(target)] == -reference::k_infinity)
      return Arithmetic::exact(reference::k_infinity);
    return rounds_.negative_log_of(x[std::size_t(target)], sums);
  }

  value total(const std::vector<value>& losses) const {
    const std::int64_t counted = rows_that_count(in_);
    if (shape_.mean && counted == 0) return Arithmetic::exact(0);
    const value all = sum(a_, order_of({k_threads, 1, 0}), losses);
    return shape_.mean ? a_.div(all, a_.constant(double(counted))) : all;
  }

  const Arithmetic& a_;
  const entropy_kernel& kernel_;
  const case_inputs& in_;
  entropy_shape shape_;
  softmax_arithmetic<Arithmetic> rounds_;
  value factor_;
};

// Scores further apart may have a loss that fp32 does not have.
bool is_within(const case_inputs& in, const entropy_shape& shape, std::int64_t r) {
  double low = reference::k_infinity, high = -reference::k_infinity;
  if (target_of(in, r) < 0) return true;
  for (const double x : shape.row(in.values[k_logits], r))
    if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  return !(high - low >= 0x1p127);
}

std::vector<bool> promised(const case_inputs& in, std::size_t output) {
  const entropy_shape shape = entropy_shape::of(in.id);
  std::vector<bool> rows;
  for (std::int64_t r = 0; r < shape.rows; ++r) rows.push_back(is_within(in, shape, r));
  if (output == shape.losses()) return rows;
  if (output == shape.total())
    return {std::all_of(rows.begin(), rows.end(), [](bool each) { return each; })};
  return std::vector<bool>(std::size_t(shape.rows * shape.columns), true);
}

// Targets, losses written and read, the total; in a mean targets once more, and how many count. Of
// the rows that do, logits as often as they are read, and the gradient; of the others the gradient.
double traffic_of(const entropy_kernel& kernel, const case_id& id) {
  const entropy_shape shape = entropy_shape::of(id);
  const case_inputs in = make_inputs(contract_of(id), id);
  const auto size = std::int64_t(size_of(id.types[k_logits].type));
  const std::int64_t threads = kernel.staged ? k_staged_threads : k_threads;
  const std::int64_t step = k_staged_threads * k_staged_group,
                     widest = k_staged_bytes / size / step * step,
                     chunks = (shape.live + widest - 1) / widest;
  // In a chunk that is still there the logits are not read again.
  double reads = double(shape.live) * (shape.gradient ? 3 : 2);
  if (kernel.staged)
    reads = double(shape.live) + (shape.gradient && chunks > 1 ? double((chunks - 1) * widest) : 0);
  double bytes = 8 * double(shape.rows) + 4 + (shape.mean ? 4 * double(shape.rows) + 8 : 0);
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    bytes += 4 * double(threads);  // every thread reads the target
    if (shape.gradient) bytes += double(shape.columns * size);
    if (target_of(in, r) < 0) continue;
    bytes += reads * double(size) + (shape.mean ? 4 * double(threads) : 0);
    bytes += target_of(in, r) < shape.live ? double(size) : 0;  // the target's own once more
  }
  return bytes;
}

implementation implementation_of(const entropy_kernel& kernel) {
  implementation it;
  it.name = kernel.name;
  it.about = kernel.about;
  it.numerics = kernel.base_2
                    ? "fp32, each operation rounded; 2^t by ex2.approx, t times log2(e) rounded; "
                    : "fp32, each operation rounded; ";
  it.numerics += kernel.staged ? "sums online, 512 threads by 8 of their columns, then halves"
                               : "sums of 256 threads, then halves";
  it.same_bits_on_emulator = !kernel.base_2;
  it.in_place = true;
  it.promises = promised;
  it.domain_text = "losses of rows whose finite scores lie within 2^127";
  it.traffic = [kernel](const case_id& id) { return traffic_of(kernel, id); };
  it.model = make_model([kernel](const auto& a, const case_inputs& in) {
    return entropy_model(a, kernel, in).outputs();
  });
  return it;
}

}  // namespace

std::vector<implementation> cross_entropy_implementations(bool gradient) {
  std::vector<implementation> all;
  for (const entropy_kernel& each : std::vector<entropy_kernel>{
           {"staged", "rows, or chunks of them, in shared memory: read once; a block a row"},
           {"staged_unit", "the same with the special-function unit's exponential", true, true},
           {"three_pass", "maximum, sum, results: three reads of a row, a block each", false}}) {
    all.push_back(implementation_of(each));
    all.back().in_place = gradient;
  }
  return all;
}

}  // namespace assay::properties

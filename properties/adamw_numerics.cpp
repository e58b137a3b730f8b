#include "properties/adamw_numerics.hpp"

#include "properties/adamw_shape.hpp"
#include "properties/elementwise.hpp"
#include "properties/square_root.hpp"
#include "reference/adamw.hpp"

#include <cmath>

namespace assay::properties {
namespace {

constexpr std::int64_t k_threads = 256, k_plain_turns = 16, k_words_groups = 4;

// 1 - beta^t as the host computes it in double, at most (1 / (1 - beta) + 1) 2^-53 of it off
// (optimized/adamw.cuh), and then rounds it to fp32, of which 2^-24 is at most an ULP.
template <class Arithmetic>
typename Arithmetic::value correction(const Arithmetic& a, double beta, std::int64_t step) {
  return a.known(reference::correction_of(beta, step).value,
                 k_rounded_once + 0x1p-29 * (1 / (1 - beta) + 2));
}

// A moment without its bias. Of an infinite one nothing is lost, whatever the correction is off by.
template <class Arithmetic>
typename Arithmetic::value unbiased(const Arithmetic& a, typename Arithmetic::value moment,
                                    typename Arithmetic::value by) {
  return std::isinf(number_of(moment)) ? Arithmetic::exact(number_of(moment)) : a.div(moment, by);
}

// What is the same for all parameters.
template <class Arithmetic>
struct adamw_scalars {
  using value = typename Arithmetic::value;

  adamw_scalars(const Arithmetic& a, const case_inputs& in)
      : rate(number(in, k_rate)),
        beta1(number(in, k_beta1)),
        beta2(number(in, k_beta2)),
        eps(number(in, k_eps)),
        decay(number(in, k_decay)),
        factor(Arithmetic::exact(in.values[k_factor][0])),
        rest1(a.sub(Arithmetic::exact(1), beta1)),
        rest2(a.sub(Arithmetic::exact(1), beta2)),
        correction1(correction(a, in.parameters[k_beta1], step_of(in))),
        correction2(correction(a, in.parameters[k_beta2], step_of(in))) {}

  static value number(const case_inputs& in, adamw_parameter which) {
    return Arithmetic::exact(in.parameters[which]);
  }

  value rate, beta1, beta2, eps, decay, factor, rest1, rest2, correction1, correction2;
};

template <class Arithmetic>
model_outputs<Arithmetic> adamw_model(const Arithmetic& a, const case_inputs& in) {
  const adamw_scalars<Arithmetic> by(a, in);
  model_outputs<Arithmetic> out(3);
  for (std::size_t i = 0; i < in.values[k_weight].size(); ++i) {
    const auto old = [&](adamw_input which) { return Arithmetic::exact(in.values[which][i]); };
    const auto g = a.mul(by.factor, old(k_gradient));
    const auto mean = a.fma(by.beta1, old(k_mean), a.mul(by.rest1, g)),
               square = a.fma(by.beta2, old(k_square), a.mul(a.mul(by.rest2, g), g));
    const auto root = a.apply(k_square_root, unbiased(a, square, by.correction2), k_rounded_once);
    const auto update = a.div(unbiased(a, mean, by.correction1), a.add(root, by.eps));
    const auto moved = a.fma(by.decay, old(k_weight), update);
    out[k_new_weight].push_back(a.fma(Arithmetic::negated(by.rate), moved, old(k_weight)));
    out[k_new_mean].push_back(mean);
    out[k_new_square].push_back(square);
  }
  // As fp32 has it: its rounding to the copy's dtype is the output's own.
  if (copies(in.id)) out.push_back(out[k_new_weight]);
  return out;
}

// From here on fp32 may have no partial result: 2^-4 of the largest number it has, for what a
// partial result's own error adds.
constexpr double k_largest = 0x1p124;
// A second moment that has lost nothing to underflow, and an eps that hides what it may have lost:
// the squares' 2^-149 and as much again of their sum, divided by a correction of 2^-24 at least,
// are below 2^-124, and their root is below 2^-62.
constexpr double k_least_square = 0x1p-100, k_least_eps = 0x1p-60;

// What becomes of element i: of each output, is anything promised?
class adamw_promise {
 public:
  explicit adamw_promise(const case_inputs& in)
      : in_(in),
        by_{in.parameters[k_rate], in.parameters[k_beta1], in.parameters[k_beta2],
            in.parameters[k_eps], in.parameters[k_decay]},
        correction1_(reference::correction_of(by_.beta1, step_of(in)).value),
        correction2_(reference::correction_of(by_.beta2, step_of(in)).value) {}

  // (What is infinite in the mathematics is so in fp32. A copy is what its weight is.)
  bool of(std::size_t i, std::size_t output) const {
    const auto at = [&](adamw_input which) { return in_.values[which][i]; };
    const double g = in_.values[k_factor][0] * at(k_gradient);
    const auto all = reference::detail::adamw_update<double>(
        by_, correction1_, correction2_, g, {at(k_weight), at(k_mean), at(k_square)});
    const double square = all.now.square;
    const auto has = [](double x) { return !(std::abs(x) > k_largest) || std::isinf(x); };
    if (output == k_new_mean) return has(g);
    if (output == k_new_square) return has(g) && has(square);
    const bool by_known_root =
        has(square / correction2_) && (by_.eps >= k_least_eps || square >= k_least_square);
    return std::isnan(all.now.weight) ||
           (by_known_root && has(g) && has(square) && has(all.unbiased) &&
            has(all.unbiased / all.denominator) && has(all.moved) && has(by_.decay * at(k_weight)));
  }

 private:
  const case_inputs& in_;
  reference::adamw_settings<double> by_;
  double correction1_, correction2_;
};

std::vector<bool> promised(const case_inputs& in, std::size_t output) {
  const adamw_promise promise(in);
  std::vector<bool> all;
  for (std::size_t i = 0; i < in.values[k_weight].size(); ++i) all.push_back(promise.of(i, output));
  return all;
}

// The contract's, but for the factor, which every thread reads.
double traffic_of(const case_id& id, std::int64_t own) {
  const std::int64_t blocks = (id.dimension("n") + own - 1) / own;
  return contract_of(id).cost_of(id).bytes + 4 * double(blocks * k_threads) - 4;
}

implementation implementation_of(bool copied, const char* name, const char* about,
                                 std::int64_t (*own)(const case_id&)) {
  implementation it;
  it.name = name;
  it.about = about;
  it.numerics =
      "fp32, each operation rounded, both moments and both steps of the weight by fused "
      "multiply-adds; 1 - beta^t in double on the host, rounded once";
  if (copied) it.numerics += "; the copy: the new weight of fp32, rounded once more";
  it.in_place = true;
  it.promises = promised;
  it.domain_text =
      "moments that are at most 2^124, with their gradients; weights whose partial results are, "
      "with eps 2^-60 or more, or a second moment of 2^-100 or more";
  it.traffic = [own](const case_id& id) { return traffic_of(id, own(id)); };
  it.model = make_model([](const auto& a, const case_inputs& in) { return adamw_model(a, in); });
  return it;
}

}  // namespace

std::vector<implementation> adamw_implementations(bool copied) {
  return {
      implementation_of(copied, "words", "by words of 16 bytes, a thread 4 groups of each array",
                        [](const case_id& id) {
                          return k_threads * k_words_groups * 16 /
                                 std::int64_t(size_of(id.types[k_gradient].type));
                        }),
      implementation_of(copied, "plain", "element by element, a thread 16 of them",
                        [](const case_id&) { return k_threads * k_plain_turns; })};
}

}  // namespace assay::properties

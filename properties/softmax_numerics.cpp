#include "properties/softmax_numerics.hpp"

#include "properties/softmax_added_mask.hpp"
#include "properties/softmax_rows.hpp"
#include "reference/softmax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// Does a row keep the promise's condition? One answer for all of its elements.
template <class Condition>
std::vector<bool> promised_rows(const case_inputs& in, const Condition& holds) {
  const score_rows rows = score_rows::of(in);
  std::vector<bool> promised;
  for (std::int64_t r = 0; r < rows.count; ++r)
    promised.insert(promised.end(), std::size_t(rows.length), holds(rows, r));
  return promised;
}

// A gradient from above of up to 2^125 overflows nowhere: dot products with shares stay below it,
// and differences below 2^126. NaN makes its row NaN; so does infinity, unless it meets the
// exponential of a logarithm, which may have underflowed to nothing in fp32.
std::vector<bool> promised_gradients(const softmax_variant& of, const case_inputs& in) {
  return promised_rows(in, [&](const score_rows& rows, std::int64_t r) {
    const auto dy = rows.seen(in.values[1], r);
    return std::all_of(dy.begin(), dy.end(), [&](double each) {
      return std::isinf(each) ? !of.logarithm : !(std::abs(each) > 0x1p125);
    });
  });
}

// A difference that fp32 does not have is -infinity there: that is far below, unless a temperature
// brings it near again.
std::vector<bool> promised_differences(const softmax_variant& of, const case_inputs& in) {
  const double temperature = of.temperature(in);
  return promised_rows(in, [&](const score_rows& rows, std::int64_t r) {
    const auto x = rows.seen(in.values[0], r);
    if (reference::kind_of_row(x) != reference::row_kind::ordinary) return true;
    const double most = *std::max_element(x.begin(), x.end());
    return std::none_of(x.begin(), x.end(), [&](double each) {
      return std::isfinite(each) && (each - most) / temperature > k_underflow &&
             std::isinf(reference::round(reference::k_fp32, each - most));
    });
  });
}

// Logarithms of rows whose scores lie further apart may be more than fp32 has.
std::vector<bool> promised_logarithms(const case_inputs& in) {
  return promised_rows(in, [&](const score_rows& rows, std::int64_t r) {
    double low = reference::k_infinity, high = -reference::k_infinity;
    for (double x : rows.seen(in.values[0], r))
      if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
    return !(high - low >= 0x1p127);
  });
}

// A sum of finite numbers that fp32 does not have is infinite there.
std::vector<bool> promised_sums(const case_inputs& in) {
  return promised_rows(in, [&](const score_rows& rows, std::int64_t r) {
    const auto x = rows.seen(in.values[0], r), m = rows.mask(in.values[k_added_mask], r);
    for (std::size_t j = 0; j < x.size(); ++j)
      if (std::isfinite(x[j]) && std::isfinite(m[j]) &&
          std::isinf(reference::round(reference::k_fp32, x[j] + m[j])))
        return false;
    return true;
  });
}

void add_promises(implementation& it, const softmax_variant& of, bool forward) {
  if (!forward) {
    it.promises = [of](const case_inputs& in, std::size_t) { return promised_gradients(of, in); };
    it.domain_text = of.logarithm ? "rows of finite gradients up to 2^125"
                                  : "rows whose finite gradients are at most 2^125";
  } else if (of.logarithm) {
    it.promises = [](const case_inputs& in, std::size_t) { return promised_logarithms(in); };
    it.domain_text = "rows whose finite scores lie within 2^127";
  } else if (of.scaled) {
    it.promises = [of](const case_inputs& in, std::size_t) { return promised_differences(of, in); };
    it.domain_text = "rows whose differences fp32 has, or which the temperature leaves far apart";
  } else if (of.mask == score_mask::additive) {
    it.promises = [](const case_inputs& in, std::size_t) { return promised_sums(in); };
    it.domain_text = "rows whose finite scores and mask add up within fp32";
  }
}

// One row of a function, in either arithmetic.
template <class Arithmetic>
class row_model {
 public:
  using value = typename Arithmetic::value;

  row_model(const Arithmetic& arithmetic, const softmax_variant& of, const row_kernel& kernel,
            const case_inputs& in)
      : a_(arithmetic),
        of_(of),
        kernel_(kernel),
        in_(in),
        rows_(score_rows::of(in)),
        how_(order_for(kernel, in.id.types[0].type, rows_.length)),
        rounds_(arithmetic, of.temperature(in)) {}

  const score_rows& rows() const { return rows_; }

  std::vector<value> forward(std::int64_t r) const {
    const auto x = rows_.seen(in_.values[0], r);
    if (of_.mask != score_mask::additive) return forward_of(x);
    const added_row sums = add_mask(a_, x, rows_.mask(in_.values[k_added_mask], r));
    std::vector<value> y = forward_of(sums.scores);
    const std::vector<double> shifts = shifts_of(sums);
    for (std::size_t j = 0; j < y.size(); ++j) y[j] = Arithmetic::moved(y[j], shifts[j]);
    return y;
  }
  std::vector<value> backward(std::int64_t r) const {
    const auto y = rows_.seen(in_.values[0], r), dy = rows_.seen(in_.values[1], r);
    return of_.logarithm ? rounds_.log_softmax_gradient_of(y, dy, how_)
                         : rounds_.softmax_gradient_of(y, dy, how_);
  }

 private:
  std::vector<value> forward_of(std::span<const double> x) const {
    if (reference::kind_of_row(x) == reference::row_kind::undefined)
      return std::vector(x.size(), Arithmetic::exact(reference::k_nan));
    const auto all =
        kernel_.naive ? rounds_.three_pass_row(x, how_.threads) : rounds_.online_row(x, how_);
    return of_.logarithm ? rounds_.log_softmax_of(x, all) : rounds_.softmax_of(x, all);
  }

  const Arithmetic& a_;
  const softmax_variant& of_;
  const row_kernel& kernel_;
  const case_inputs& in_;
  score_rows rows_;
  row_order how_;
  softmax_arithmetic<Arithmetic> rounds_;
};

}  // namespace

implementation softmax_implementation(const softmax_variant& of, const row_kernel& kernel,
                                      bool forward) {
  implementation it;
  it.name = kernel.name;
  it.about = kernel.about;
  it.numerics =
      fmt::format("{}fp32, each operation rounded; sums of fp32 rows of 4096: {}",
                  forward && of.mask == score_mask::additive ? "x + mask, then all in " : "",
                  order_of(order_for(kernel, dtype::fp32, 4096)).text());
  it.in_place = true;
  add_promises(it, of, forward);
  it.traffic = [kernel, forward](const case_id& id) { return traffic_of(kernel, forward, id); };
  it.declines = [kernel](const case_id& id) { return declined(kernel, id); };
  it.model = make_model([of, kernel, forward](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const row_model<arithmetic> model(a, of, kernel, in);
    const double masked = forward && of.logarithm ? -reference::k_infinity : 0;
    model_outputs<arithmetic> out(1);
    for (std::int64_t r = 0; r < model.rows().count; ++r) {
      auto row = forward ? model.forward(r) : model.backward(r);
      row.resize(std::size_t(model.rows().length), arithmetic::exact(masked));
      out[0].insert(out[0].end(), row.begin(), row.end());
    }
    return out;
  });
  return it;
}

}  // namespace assay::properties

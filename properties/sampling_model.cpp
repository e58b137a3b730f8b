#include "properties/sampling_model.hpp"

#include "properties/softmax_model.hpp"
#include "reference/exact.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay::properties {
namespace {

constexpr double k_u = 0x1p-24;  // fp32's unit roundoff

// Sums of numbers from 0 on, by place, that grow place by place (Fenwick, "A new data structure for
// cumulative frequency tables", 1994).
class prefix_sums {
 public:
  explicit prefix_sums(std::size_t n) : nodes_(n + 1) {}

  void add(std::size_t i, double x) {
    total_ += x;
    for (++i; i < nodes_.size(); i += i & (~i + 1)) nodes_[i] += x;
  }
  double total() const { return total_; }
  // The first place at whose sum, that place included, `beyond` holds; n: at none. It holds for
  // larger sums wherever it holds.
  template <class Beyond>
  std::size_t first(const Beyond& beyond) const {
    std::size_t step = 1, at = 0;
    while (2 * step < nodes_.size()) step *= 2;
    double sum = 0;
    for (; step > 0; step /= 2)
      if (at + step < nodes_.size() && !beyond(sum + nodes_[at + step])) {
        at += step;
        sum += nodes_[at];
      }
    return at;
  }

 private:
  std::vector<double> nodes_;
  double total_ = 0;
};

// A share of a total, between its ends; `rest` is what the doubles lack, where both are one exact
// product.
struct share_of_total {
  double low = 0, high = 0, rest = 0;
};

class open_draw {
 public:
  open_draw(std::span<const double> logits, const reference::sampling_settings<double>& by,
            double u, sampling_sums sums)
      : sums_(sums),
        order_(reference::detail::falling_order(logits)),
        low_(logits.size()),
        high_(logits.size()),
        open_(logits.size()),
        added_low_(logits.size()),
        added_high_(logits.size()) {
    const double parts = sums == sampling_sums::exact ? 0x1p53 : 0x1p24;
    u_ = std::floor(u * parts) / parts;
    drop_all_but(by.top_k, logits);
    weigh(logits, by.temperature);
    state_errors();
    each_kept_set(by.top_p);
  }

  std::vector<std::int64_t> tokens() const {
    std::vector<std::int64_t> all;
    for (std::size_t i = 0; i < open_.size(); ++i)
      if (open_[i]) all.push_back(std::int64_t(i));
    return all;
  }

 private:
  void drop_all_but(std::int64_t top_k, std::span<const double> logits) {
    std::size_t left = order_.size();
    if (top_k > 0 && top_k < std::int64_t(left)) {
      const double least = logits[order_[std::size_t(top_k - 1)]];
      left = std::size_t(std::partition_point(order_.begin(), order_.end(),
                                              [&](std::size_t i) { return logits[i] >= least; }) -
                         order_.begin());
    }
    while (left > 0 && logits[order_[left - 1]] == -reference::k_infinity) --left;
    order_.resize(left);
  }

  // The ends of each weight as the kernel has it.
  void weigh(std::span<const double> logits, double temperature) {
    const running arithmetic(reference::k_fp32);
    const softmax_arithmetic<running> rounds(arithmetic, temperature);
    const double most = logits[order_.front()];
    for (const std::size_t i : order_) {
      const running::value w = rounds.exponential(logits[i], most);
      const double off =
          w.after == 0 ? 0 : w.after + w.center * reference::special<double>::k_error;
      // e^t, t <= 0 however it was rounded, is at most 1, and one call off that.
      high_[i] = std::min(w.center + off, 1 + optimized::k_exp_ulps * 2 * k_u);
      low_[i] = off < w.center ? w.center - off : 0;
      if (logits[i] == most) low_[i] = high_[i] = 1;
      if (sums_ == sampling_sums::exact) {  // cutting keeps the order
        low_[i] = std::floor(low_[i] * 0x1p40) * 0x1p-40;
        high_[i] = std::floor(high_[i] * 0x1p40) * 0x1p-40;
      }
    }
  }

  // What a sum may be off by, relative to it: in the kernel by a rounding for each term but the
  // first (Higham, Accuracy and Stability, 2nd ed., lemma 3.1 and section 4.2, of terms of one
  // sign), and here in double.
  void state_errors() {
    const bool exact = std::all_of(order_.begin(), order_.end(), [&](std::size_t i) {
      return low_[i] == high_[i] && (low_[i] == 0 || low_[i] == 1);
    });
    const auto n = double(order_.size());
    if (exact && n <= 0x1p24) return;
    growth_ = (n + 8) * 0x1p-52;
    if (sums_ == sampling_sums::sequential) growth_ += n * k_u / (1 - n * k_u);
  }

  share_of_total share(double part, double low, double high) const {
    if (growth_ == 0 && low == high) {
      const auto product = reference::two_product(part, low);
      const bool rounds = sums_ == sampling_sums::sequential &&
                          reference::round(reference::k_fp32, product.value) != product.value;
      if (!rounds) return {product.value, product.value, product.error};
    }
    share_of_total all{part * low * (1 - growth_), part * high * (1 + growth_)};
    if (sums_ == sampling_sums::sequential) {
      all.low = all.low * (1 - 2 * k_u) - 0x1p-149;
      all.high = all.high * (1 + 2 * k_u) + 0x1p-149;
    }
    return all;
  }

  // The sets that top-p may keep: the order's beginnings that may be the first with the share, up
  // to the first that has it for certain. Each adds a token to the one before.
  void each_kept_set(double top_p) {
    double low = 0, high = 0, upto_low = 0, upto_high = 0;
    for (const std::size_t i : order_) low += low_[i], high += high_[i];
    const share_of_total needed = share(top_p, low, high);
    for (std::size_t c = 0; c < order_.size(); ++c) {
      const std::size_t i = order_[c];
      upto_low += low_[i], upto_high += high_[i];
      added_low_.add(i, low_[i]);
      added_high_.add(i, high_[i]);
      last_live_ = high_[i] > 0 ? std::max(last_live_, i) : last_live_;
      kept_upto_ = c + 1;
      const bool last = c + 1 == order_.size(), limits = top_p < 1;
      if (last || (limits && reaches(upto_high * (1 + growth_), needed.low, needed.rest)))
        open_of_set();
      if (limits && reaches(upto_low * (1 - growth_), needed.high, needed.rest)) return;
    }
  }
  static bool reaches(double sum, double share, double rest) {
    return sum > share || (sum == share && !(rest > 0));
  }
  static bool exceeds(double sum, double share, double rest) {
    return sum > share || (sum == share && rest < 0);
  }

  // With what has been added so far.
  void open_of_set() {
    const share_of_total wanted = share(u_, added_low_.total(), added_high_.total());
    const std::size_t first = added_high_.first(
        [&](double sum) { return exceeds(sum * (1 + growth_), wanted.low, wanted.rest); });
    const std::size_t last = std::min(last_live_, added_low_.first([&](double sum) {
      return exceeds(sum * (1 - growth_), wanted.high, wanted.rest);
    }));
    if (in_set_.empty()) in_set_.resize(open_.size());
    for (; marked_ < kept_upto_; ++marked_) in_set_[order_[marked_]] = true;
    for (std::size_t i = first; i <= last; ++i)
      if (in_set_[i] && high_[i] > 0) open_[i] = true;
  }

  sampling_sums sums_;
  double u_ = 0, growth_ = 0;
  std::vector<std::size_t> order_;  // kept by top-k and finite, from the largest down
  std::vector<double> low_, high_;  // of each column's weight
  std::vector<bool> open_, in_set_;
  prefix_sums added_low_, added_high_;
  std::size_t last_live_ = 0, kept_upto_ = 0, marked_ = 0;
};

}  // namespace

std::vector<std::int64_t> open_tokens(std::span<const double> logits,
                                      const reference::sampling_settings<double>& by, double u,
                                      sampling_sums sums) {
  return open_draw(logits, by, u, sums).tokens();
}

}  // namespace assay::properties

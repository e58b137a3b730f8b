// The optimizer on the host, in any scalar of the reference: parameters and moments are kept in it.
#pragma once

#include "reference/adamw.hpp"
#include "reference/global_norm.hpp"
#include "tools/gpt2/optimizer.hpp"

#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace assay::gpt2 {

template <reference::real R>
class host_optimizer : public optimizer {
 public:
  // `of` stays where it is.
  host_optimizer(model& of, const training_settings& by) : optimizer(by), of_(of) {
    for (const auto& [name, parameter] : of.parameters) {
      const auto values = parameter.elements();
      const std::vector<R> zeros(values.size(), R(0));
      states_.emplace(name, state{{values.begin(), values.end()}, zeros, zeros});
    }
  }

 private:
  struct state {
    std::vector<R> weight, mean, square;
  };

  double apply(const weights& gradients, double rate, std::int64_t number) override {
    const training_settings& by = settings();
    std::vector<R> all;
    for (const auto& [name, gradient] : gradients) {
      const auto values = gradient.elements();
      all.insert(all.end(), values.begin(), values.end());
    }
    const R norm = reference::global_norm(std::span<const R>(all)),
            factor = by.clip > 0 ? reference::clipping_factor(norm, R(by.clip)) : R(1);
    const auto power = [&](double beta) { return R(std::pow(beta, double(number))); };
    for (auto& [name, parameter] : of_.parameters) {
      std::vector<R> gradient;
      for (const double each : gradients.find(name)->second.elements())
        gradient.push_back(R(each) * factor);
      state& at = states_.find(name)->second;
      reference::adamw_step<R>({R(rate), R(by.beta1), R(by.beta2), R(by.eps),
                                R(decays(parameter.extents().rank()) ? by.decay : 0)},
                               power(by.beta1), power(by.beta2), gradient, at.weight, at.mean,
                               at.square);
      for (std::size_t i = 0; i < at.weight.size(); ++i)
        parameter.elements()[i] = static_cast<double>(at.weight[i]);
    }
    return static_cast<double>(norm);
  }

  model& of_;
  std::map<std::string, state, std::less<>> states_;
};

}  // namespace assay::gpt2

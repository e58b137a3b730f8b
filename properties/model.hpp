// The type-erased model of an implementation: one template over the arithmetic (arithmetic.hpp),
// held so that its strict bounds and its scatter can be asked for without knowing it.
#pragma once

#include "properties/arithmetic.hpp"
#include "properties/case.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::properties {

// The inputs of a case as numbers, in the contract's order.
struct case_inputs {
  case_id id;
  std::vector<std::vector<double>> values;
  std::vector<double> parameters;  // in the contract's order, complete
};

// For each output tensor, for each element: a value of some arithmetic.
template <class Arithmetic>
using model_outputs = std::vector<std::vector<typename Arithmetic::value>>;

class rounding_model {
 public:
  virtual ~rounding_model() = default;
  virtual model_outputs<running> follow(const case_inputs& inputs, charge charged) const = 0;
  virtual model_outputs<concrete> compute(const case_inputs& inputs,
                                          function_errors errors) const = 0;
  virtual reference::format accumulates_in() const = 0;
};

// Compute is callable as compute(arithmetic, inputs) -> model_outputs<Arithmetic>, for both
// arithmetics; the arithmetic rounds to `format`.
template <class Compute>
std::shared_ptr<const rounding_model> make_model(Compute compute,
                                                 reference::format format = reference::k_fp32) {
  class model final : public rounding_model {
   public:
    model(Compute body, reference::format f) : compute_(std::move(body)), format_(f) {}
    model_outputs<running> follow(const case_inputs& inputs, charge charged) const override {
      return compute_(running(format_, charged), inputs);
    }
    model_outputs<concrete> compute(const case_inputs& inputs,
                                    function_errors errors) const override {
      return compute_(concrete(format_, errors), inputs);
    }
    reference::format accumulates_in() const override { return format_; }

   private:
    Compute compute_;
    reference::format format_;
  };
  return std::make_shared<const model>(std::move(compute), format);
}

}  // namespace assay::properties

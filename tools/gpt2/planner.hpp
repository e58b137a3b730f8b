// How a plan comes about: the model's parts, one after the other, and back again.
#pragma once

#include "tools/gpt2/plan.hpp"

namespace assay::gpt2 {

class planner {
 public:
  planner(const reference::gpt2_config& config, const plan_settings& by);

  void add_forward();
  // Behind the forward pass.
  void add_backward();
  void add_next(const sampling_options& how);
  // Behind the backward pass; in planner_step.cpp.
  void add_step(const step_settings& by);
  plan take() { return std::move(plan_); }

 private:
  using shape = std::vector<std::int64_t>;

  // Names a value; its gradient's names follow from its own.
  void add_value(const std::string& name, shape extents, dtype type, value_role role);
  void add_activation(const std::string& name, shape extents) {
    add_value(name, std::move(extents), by_.type, value_role::activation);
  }
  void add_operation(std::string name, std::string function, std::vector<operand> inputs,
                     std::vector<operand> outputs, std::vector<double> parameters = {});
  operand whole(const std::string& name) const { return {name, plan_.values.at(name).shape}; }
  // As rows, whatever it is.
  operand rows(const std::string& name) const;
  operand flat(const std::string& name) const;
  shape sequences(std::int64_t width) const { return {by_.batch, by_.length, width}; }
  // Gradients as they are called, made where they are not there yet.
  std::string gradient_of(const std::string& value);
  std::string gradient_of_parameter(const std::string& parameter, dtype type);

  // Forward, in planner.cpp.
  void embed();
  std::string normalize(const std::string& norm, const std::string& x);
  void linear(const std::string& function, const std::string& layer, const std::string& x,
              const std::string& y, const std::vector<std::string>& more_in = {},
              const std::vector<std::string>& more_out = {});
  void attend(std::int64_t layer);
  void attend_to_cache(std::int64_t layer, const std::vector<operand>& parts,
                       std::vector<operand> outputs);
  std::string feed_forward(std::int64_t layer, const std::string& x, const std::string& residual);
  void activate(reference::gpt2_activation by, const std::string& x, const std::string& y);
  std::string add_block(std::int64_t layer, std::string x);
  std::vector<operand> heads_of(const std::string& qkv) const;  // q, k, v
  operand joined(const std::string& name) const;

  // Backward, in planner_gradient.cpp.
  void lose();
  void head_back(const std::string& x);
  void normalize_back(const std::string& norm, const std::string& x, const std::string& beside);
  void linear_back(const std::string& layer, const std::string& x, const std::string& y);
  void attend_back(std::int64_t layer);
  void activate_back(reference::gpt2_activation by, const std::string& x, const std::string& y);
  void block_back(std::int64_t layer, const std::string& x);
  void embed_back();

  reference::gpt2_config config_;
  plan_settings by_;
  plan plan_;
  std::vector<std::string> into_block_;  // the value that each block takes
  std::string into_norm_, into_head_;
};

// "gelu.tanh", "gelu.erf" or "relu.plain"
std::string function_of(reference::gpt2_activation which);

}  // namespace assay::gpt2

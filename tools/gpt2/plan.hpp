// A pass of the model as calls of components' functions, in order, each by the names of the values
// that it takes and gives: what kernels run, what `trace` judges call by call, and what tells
// memory and work without running anything. Values are named as the reference names them
// (reference/gpt2.hpp); that of NAME's gradient is d.NAME, of a parameter's gradient.NAME.
#pragma once

#include "optimized/dtype.hpp"
#include "reference/gpt2_config.hpp"
#include "tools/gpt2/next_token.hpp"
#include "tools/gpt2/training_settings.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace assay::gpt2 {

// A value, or a window on it, as a function takes it.
struct operand {
  std::string value;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides = {};  // in elements; empty: contiguous
  std::int64_t offset = 0;                 // of its first element
};

struct operation {
  std::string name;      // "h.3.attention"
  std::string function;  // "attention.causal.fwd"
  std::vector<operand> inputs, outputs;
  std::vector<double> parameters = {};
};

enum class value_role { parameter, input, activation, gradient, cache };

struct planned_value {
  dtype type = dtype::fp32;
  std::vector<std::int64_t> shape;
  value_role role = value_role::activation;
  // Where it is a part of another value: of which, and from which of its elements on.
  std::string within = {};
  std::int64_t first = 0;

  std::int64_t elements() const;
  std::int64_t bytes() const { return elements() * std::int64_t(size_of(type)); }
};

struct plan {
  std::map<std::string, planned_value, std::less<>> values;
  std::vector<operation> operations;
  std::size_t forward = 0;  // so many of them; the loss and the backward pass are behind
};

struct plan_settings {
  std::int64_t batch = 1, length = 1;
  dtype type = dtype::fp32;  // of parameters, activations and their gradients
  bool backward = false;     // with loss, and gradients of all parameters
  // Where there is room for this many tokens of a sequence, keys and values are kept in caches, and
  // the sequences go on where they are: forward alone.
  std::int64_t capacity = 0;
  // How the token that comes next to each sequence is chosen, from the logits of its last: behind
  // the forward pass, which is without a backward one then.
  std::optional<sampling_options> next = {};
  // Behind the backward pass, which is there then: a step of all parameters (step_plan.hpp).
  std::optional<step_settings> step = {};

  bool operator==(const plan_settings&) const = default;
};

// Inputs are `tokens`, int32 [batch, length], for the backward pass `targets`, and with caches
// `lengths` and `lengths_after`, int32 [batch]: tokens of each sequence before these and with them.
// Caches are h.I.keys and h.I.values, [batch, capacity, heads, width]. Next tokens are
// `next_tokens`, int32 [batch], -1 where there is none; those that are drawn take `sequences` and
// `positions`, their own. With a step parameters and their gradients are parts of its arrays.
// Throws bad_input for what there are no kernels for.
plan planned(const reference::gpt2_config& config, const plan_settings& by);

}  // namespace assay::gpt2

// Plans: what a model's passes are made of.

#include "tools/gpt2/operation_case.hpp"
#include "tools/gpt2/test/models.hpp"
#include "tools/gpt2/test/support.hpp"

#include <set>

namespace assay::gpt2 {
namespace {

std::vector<gpt2_config> all_kinds() {
  std::vector<gpt2_config> all;
  for (int step = 1; step <= 5; ++step) all.push_back(gpt2_config::ladder(step, test::tiny()));
  gpt2_config other = test::tiny();
  other.tied = false;
  other.activation = reference::gpt2_activation::gelu_erf;
  other.relu_layers = 1;
  all.push_back(other);
  return all;
}

// Every operation's tensors are those of its contract, whose sizes agree.
TEST(plan, is_made_of_cases_of_contracts) {
  for (const gpt2_config& config : all_kinds())
    for (const dtype type : {dtype::fp32, dtype::bf16}) {
      const plan all = planned(config, {3, 5, type, true});
      for (const operation& each : all.operations)
        EXPECT_NO_THROW(properties::validate(contract_of(each), case_of(each, all))) << each.name;
    }
}

// A value is written once, before it is read, and every parameter has a gradient.
TEST(plan, writes_every_value_once_and_before_it_is_read) {
  for (const gpt2_config& config : all_kinds()) {
    const plan all = planned(config, {2, 4, dtype::fp32, true});
    std::set<std::string> there;
    for (const auto& [name, value] : all.values)
      if (value.role == value_role::parameter || value.role == value_role::input)
        there.insert(name);
    for (const operation& each : all.operations) {
      std::set<std::string> written;
      for (const operand& part : each.inputs)
        EXPECT_TRUE(there.contains(part.value)) << each.name << " reads " << part.value;
      for (const operand& part : each.outputs) {
        written.insert(part.value);
        EXPECT_FALSE(there.contains(part.value)) << each.name << " writes " << part.value;
      }
      there.merge(written);
    }
    for (const reference::gpt2_parameter& each : parameters_of(config))
      EXPECT_TRUE(there.contains("gradient." + each.name)) << each.name;
  }
}

// A block: two norms, three linear layers and one with its GELU, attention.
TEST(plan, has_seven_operations_a_block_forward) {
  const plan one = planned(test::tiny(1), {1, 4, dtype::fp32, false}),
             two = planned(test::tiny(2), {1, 4, dtype::fp32, false});
  EXPECT_EQ(two.operations.size() - one.operations.size(), 7u);
  EXPECT_EQ(one.operations.size(), 3u + 7u);  // embedding, last norm, head
  EXPECT_EQ(one.forward, one.operations.size());
}

// Of B T rows: embedding C; a block 2 (C + 2) of norms, 3 C of qkv, C of joined, H of lse, 2 C of
// the residuals, 2 F of the hidden layer; C + 2 of the last norm, V of logits.
TEST(plan, tells_the_memory_of_activations) {
  const plan all = planned(test::tiny(3), {2, 4, dtype::fp32, false});
  std::int64_t elements = 0;
  for (const auto& [name, value] : all.values)
    if (value.role == value_role::activation) elements += value.elements();
  EXPECT_EQ(elements, 2 * 4 * (8 + 3 * (2 * (8 + 2) + 3 * 8 + 8 + 2 + 2 * 8 + 2 * 32) + 10 + 11));
}

TEST(plan, refuses_what_there_are_no_kernels_for) {
  gpt2_config config = test::tiny();
  config.norms = false;
  EXPECT_EQ(test::refusal_of([&] { planned(config, {}); }),
            "there are no kernels for residuals without norms");
}

}  // namespace
}  // namespace assay::gpt2

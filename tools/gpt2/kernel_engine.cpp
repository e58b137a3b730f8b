#include "tools/gpt2/kernel_engine.hpp"

#include "properties/values.hpp"

#include <optional>

namespace assay::gpt2 {
namespace {

std::vector<double> rounded_to(dtype type, std::span<const double> values) {
  std::vector<double> rounded;
  rounded.reserve(values.size());
  for (const double each : values) rounded.push_back(properties::round_to(type, each));
  return rounded;
}

void upload_all(executor& to, const model& of, const reference::token_batch& tokens,
                const std::vector<std::int64_t>& targets, dtype type) {
  for (const auto& [name, parameter] : of.parameters)
    to.upload(name, rounded_to(type, parameter.elements()));
  to.upload("tokens", std::vector<double>(tokens.ids.begin(), tokens.ids.end()));
  if (to.of().values.contains("targets"))
    to.upload("targets", std::vector<double>(targets.begin(), targets.end()));
  if (const auto none = to.of().values.find("no_positions"); none != to.of().values.end())
    to.upload("no_positions", std::vector<double>(std::size_t(none->second.elements()), 0.0));
}

class kernel_engine : public engine {
 public:
  kernel_engine(const model& of, optimized::device where, dtype type, kernel_choice choice)
      : of_(of), where_(where), type_(type), choice_(std::move(choice)) {}

  std::vector<double> logits(const reference::token_batch& tokens) override {
    executor& by = prepared(tokens, {}, false);
    by.run(0, by.of().forward);
    return by.download("logits");
  }

  loss_result loss(const reference::token_batch& tokens, const std::vector<std::int64_t>& targets,
                   bool with_gradients) override {
    executor& by = prepared(tokens, targets, true);
    const std::size_t all = by.of().operations.size();
    by.run(0, with_gradients ? all : by.of().forward + 1);
    loss_result result{by.download("loss")[0], {}};
    if (!with_gradients) return result;
    for (const reference::gpt2_parameter& each : parameters_of(of_.config))
      result.gradients.emplace(
          each.name, reference::tensor<double>(each.extents, by.download("gradient." + each.name)));
    return result;
  }

 private:
  // The last one, if it is of this size.
  executor& prepared(const reference::token_batch& tokens, const std::vector<std::int64_t>& targets,
                     bool backward) {
    const plan_settings wanted{tokens.batch(), tokens.length, type_, backward};
    if (!last_ || last_->first.batch != wanted.batch || last_->first.length != wanted.length ||
        last_->first.backward != backward) {
      last_.reset();
      last_.emplace(wanted,
                    std::make_unique<executor>(planned(of_.config, wanted), where_, choice_));
    }
    upload_all(*last_->second, of_, tokens, targets, type_);
    return *last_->second;
  }

  const model& of_;
  optimized::device where_;
  dtype type_;
  kernel_choice choice_;
  std::optional<std::pair<plan_settings, std::unique_ptr<executor>>> last_;
};

}  // namespace

executor loaded(const model& of, const reference::token_batch& tokens,
                const std::vector<std::int64_t>& targets, bool backward, dtype type,
                optimized::device where, kernel_choice choice) {
  executor result(planned(of.config, {tokens.batch(), tokens.length, type, backward}), where,
                  std::move(choice));
  upload_all(result, of, tokens, targets, type);
  return result;
}

std::unique_ptr<engine> make_kernel_engine(const model& of, optimized::device where, dtype type,
                                           kernel_choice choice) {
  return std::make_unique<kernel_engine>(of, where, type, std::move(choice));
}

}  // namespace assay::gpt2

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

std::vector<double> as_numbers(const std::vector<std::int64_t>& ids) {
  return {ids.begin(), ids.end()};
}

// And zeros for the positions of a model without any.
void upload_parameters(executor& to, const model& of, dtype type) {
  for (const auto& [name, parameter] : of.parameters)
    to.upload(name, rounded_to(type, parameter.elements()));
  if (const auto none = to.of().values.find("no_positions"); none != to.of().values.end())
    to.upload("no_positions", std::vector<double>(std::size_t(none->second.elements()), 0.0));
}

void upload_all(executor& to, const model& of, const reference::token_batch& tokens,
                const std::vector<std::int64_t>& targets, dtype type) {
  upload_parameters(to, of, type);
  to.upload("tokens", as_numbers(tokens.ids));
  if (to.of().values.contains("targets")) to.upload("targets", as_numbers(targets));
}

void upload_caches(executor& to, std::int64_t layers) {
  std::uint64_t k = 0;
  for (std::int64_t layer = 0; layer < layers; ++layer)
    for (const char* each : {"keys", "values"}) {
      const std::string name = reference::name_in_block(layer, each);
      const planned_value& of = to.of().values.at(name);
      std::vector<double> numbers;
      for (std::int64_t i = 0; i < of.elements(); ++i, ++k)
        numbers.push_back(double(std::uint32_t(k * 2654435769) >> 16) * 0x1p-15 - 1);
      to.upload(name, rounded_to(of.type, numbers));
    }
}

// Where the tokens to come stand, for a plan that draws them.
void upload_places(executor& to, std::int64_t batch, std::int64_t position) {
  if (!to.of().values.contains("sequences")) return;
  std::vector<double> sequences;
  for (std::int64_t b = 0; b < batch; ++b) sequences.push_back(double(b));
  to.upload("sequences", sequences);
  to.upload("positions", std::vector<double>(std::size_t(batch), double(position)));
}

std::vector<std::int64_t> next_tokens_of(executor& by, std::int64_t position) {
  std::vector<std::int64_t> all;
  for (const double token : by.download("next_tokens")) {
    if (token < 0) throw no_token_at(position);
    all.push_back(std::int64_t(token));
  }
  return all;
}

// Keys and values of all tokens so far, in caches.
class cached_session : public session {
 public:
  cached_session(const model& of, dtype type, const execution& how, std::int64_t capacity)
      : of_(of), type_(type), how_(how), capacity_(capacity) {}

  std::vector<double> extend(const reference::token_batch& news) override {
    prepare(news, std::nullopt);
    run(news);
    return of_last_tokens(by_->download("logits"), news.batch(), of_.config.vocabulary);
  }
  std::vector<std::int64_t> next(const reference::token_batch& news, const sampling_options& how,
                                 std::int64_t position) override {
    prepare(news, how);
    upload_places(*by_, news.batch(), position);
    run(news);
    return next_tokens_of(*by_, position);
  }

 private:
  void run(const reference::token_batch& news) {
    const auto batch = std::size_t(news.batch());
    by_->upload("tokens", as_numbers(news.ids));
    by_->upload("lengths", std::vector<double>(batch, double(length_)));
    length_ += news.length;
    by_->upload("lengths_after", std::vector<double>(batch, double(length_)));
    repeats_ ? by_->replay() : by_->run(0, by_->of().operations.size());
  }

  void prepare(const reference::token_batch& news, const std::optional<sampling_options>& how) {
    const plan_settings wanted{.batch = news.batch(),
                               .length = news.length,
                               .type = type_,
                               .capacity = capacity_,
                               .next = how};
    repeats_ = by_ && wanted == last_;
    if (repeats_) return;
    last_ = wanted;
    if (by_) return by_->adopt(planned(of_.config, wanted));
    by_ = std::make_unique<executor>(planned(of_.config, wanted), how_);
    upload_parameters(*by_, of_, type_);
  }

  const model& of_;
  dtype type_;
  execution how_;
  std::int64_t capacity_, length_ = 0;
  std::unique_ptr<executor> by_;
  plan_settings last_;    // of its plan
  bool repeats_ = false;  // the plan that ran last, token by token
};

class kernel_engine : public engine {
 public:
  kernel_engine(const model& of, dtype type, const execution& how)
      : of_(of), type_(type), how_(how) {}

  std::unique_ptr<session> begin(std::int64_t capacity) override {
    return std::make_unique<cached_session>(of_, type_, how_, capacity);
  }

  std::vector<double> logits(const reference::token_batch& tokens) override {
    executor& by = prepared({tokens.batch(), tokens.length, type_}, tokens, {});
    by.run(0, by.of().forward);
    return by.download("logits");
  }

  std::vector<std::int64_t> next(const reference::token_batch& tokens, const sampling_options& how,
                                 std::int64_t position) override {
    executor& by = prepared(
        {.batch = tokens.batch(), .length = tokens.length, .type = type_, .next = how}, tokens, {});
    upload_places(by, tokens.batch(), position);
    by.run(0, by.of().operations.size());
    return next_tokens_of(by, position);
  }

  loss_result loss(const reference::token_batch& tokens, const std::vector<std::int64_t>& targets,
                   bool with_gradients) override {
    executor& by = prepared({tokens.batch(), tokens.length, type_, true}, tokens, targets);
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
  // The last one, if its plan is this.
  executor& prepared(const plan_settings& wanted, const reference::token_batch& tokens,
                     const std::vector<std::int64_t>& targets) {
    if (!last_ || last_->first != wanted) {
      last_.reset();
      last_.emplace(wanted, std::make_unique<executor>(planned(of_.config, wanted), how_));
    }
    upload_all(*last_->second, of_, tokens, targets, type_);
    return *last_->second;
  }

  const model& of_;
  dtype type_;
  execution how_;
  std::optional<std::pair<plan_settings, std::unique_ptr<executor>>> last_;
};

}  // namespace

executor loaded(const model& of, const reference::token_batch& tokens,
                const std::vector<std::int64_t>& targets, bool backward, dtype type,
                const execution& how) {
  executor result(planned(of.config, {tokens.batch(), tokens.length, type, backward}), how);
  upload_all(result, of, tokens, targets, type);
  return result;
}

executor loaded_to_step(const model& of, const reference::token_batch& tokens,
                        const std::vector<std::int64_t>& targets, dtype type,
                        const step_settings& by, const execution& how) {
  executor result(planned(of.config, {.batch = tokens.batch(),
                                      .length = tokens.length,
                                      .type = type,
                                      .backward = true,
                                      .step = by}),
                  how);
  upload_all(result, of, tokens, targets, type);
  const auto& values = result.of().values;
  for (const char* each : {"means", "squares"})
    result.upload(each, std::vector<double>(std::size_t(values.at(each).elements()), 0.0));
  if (values.contains("weights")) result.upload("weights", result.download("parameters"));
  return result;
}

executor loaded_to_decode(const model& of, std::int64_t batch, std::int64_t length, dtype type,
                          const execution& how) {
  executor result(planned(of.config, {.batch = batch,
                                      .type = type,
                                      .capacity = length,
                                      .next = sampling_options{.greedy = true}}),
                  how);
  upload_parameters(result, of, type);
  upload_caches(result, of.config.layers);
  const auto all = [&](std::int64_t number) {
    return std::vector<double>(std::size_t(batch), double(number));
  };
  result.upload("tokens", all(0));
  result.upload("lengths", all(length - 1));
  result.upload("lengths_after", all(length));
  return result;
}

std::unique_ptr<engine> make_kernel_engine(const model& of, dtype type, const execution& how) {
  return std::make_unique<kernel_engine>(of, type, how);
}

}  // namespace assay::gpt2

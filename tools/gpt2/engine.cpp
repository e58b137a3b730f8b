#include "tools/gpt2/engine.hpp"

#include "properties/bad_input.hpp"
#include "reference/gpt2_gradient.hpp"
#include "tools/gpt2/kernel_engine.hpp"

#include <utility>

namespace assay::gpt2 {
namespace {

// All of every sequence again, whenever it grows.
class whole_session : public session {
 public:
  whole_session(engine& by, std::int64_t vocabulary) : by_(by), vocabulary_(vocabulary) {}

  std::vector<double> extend(const reference::token_batch& news) override {
    take(news);
    return of_last_tokens(by_.logits(all_), all_.batch(), vocabulary_);
  }
  std::vector<std::int64_t> next(const reference::token_batch& news, const sampling_options& how,
                                 std::int64_t position) override {
    take(news);
    return by_.next(all_, how, position);
  }

 private:
  void take(const reference::token_batch& news) {
    reference::token_batch all{{}, all_.length + news.length};
    for (std::int64_t b = 0; b < news.batch(); ++b)
      for (const reference::token_batch* part : {&std::as_const(all_), &news}) {
        const auto first = part->ids.begin() + b * part->length;
        all.ids.insert(all.ids.end(), first, first + part->length);
      }
    all_ = std::move(all);
  }

  engine& by_;
  std::int64_t vocabulary_;
  reference::token_batch all_;
};

class reference_engine : public engine {
 public:
  explicit reference_engine(const model& of) : of_(of.config, of.parameters) {}

  std::unique_ptr<session> begin(std::int64_t) override {
    return std::make_unique<whole_session>(*this, of_.config().vocabulary);
  }

  std::vector<double> logits(const reference::token_batch& tokens) override {
    const weights values = of_.forward(tokens);
    const std::span<const double> all = values.at("logits").elements();
    return {all.begin(), all.end()};
  }

  loss_result loss(const reference::token_batch& tokens, const std::vector<std::int64_t>& targets,
                   bool with_gradients) override {
    const weights values = of_.forward(tokens);
    auto of_logits = reference::loss_of<double>(values.at("logits").elements(), targets);
    loss_result result{of_logits.mean, {}};
    if (!with_gradients) return result;
    const weights all =
        reference::gpt2_gradient<double>(of_, tokens, values).from(std::move(of_logits.gradient));
    for (const reference::gpt2_parameter& each : parameters_of(of_.config()))
      result.gradients.insert(*all.find(each.name));
    return result;
  }

 private:
  reference::gpt2<double> of_;
};

void refuse_what_only_the_emulator_does(const engine_options& by) {
  if (by.on == "emulator") return;
  if (by.sanitize) throw bad_input("--sanitize watches the emulator; it says nothing of {}", by.on);
  if (by.schedule != 0)
    throw bad_input("--sched orders the emulator's threads, and not those of {}", by.on);
}

}  // namespace

std::vector<std::int64_t> engine::next(const reference::token_batch& tokens,
                                       const sampling_options& how, std::int64_t position) {
  const std::vector<double> all = logits(tokens);
  const auto vocabulary = std::int64_t(all.size() / tokens.ids.size());
  return next_tokens(of_last_tokens(all, tokens.batch(), vocabulary), tokens.batch(), how,
                     position);
}

std::vector<double> of_last_tokens(const std::vector<double>& logits, std::int64_t batch,
                                   std::int64_t vocabulary) {
  std::vector<double> last;
  const auto sequence = std::int64_t(logits.size()) / batch;
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto end = logits.begin() + (b + 1) * sequence;
    last.insert(last.end(), end - vocabulary, end);
  }
  return last;
}

execution execution_of(const engine_options& by) {
  refuse_what_only_the_emulator_does(by);
  if (by.on != "emulator" && by.on != "cuda")
    throw bad_input("unknown backend '{}'; there are: reference, emulator, cuda", by.on);
  return execution_on(by.on == "cuda" ? simt::build::gpu
                      : by.sanitize   ? simt::build::sanitized
                                      : simt::build::plain,
                      by.schedule);
}

std::unique_ptr<session> begin_without_cache(engine& by, const gpt2_config& config) {
  return std::make_unique<whole_session>(by, config.vocabulary);
}

std::unique_ptr<engine> make_engine(const engine_options& by, const model& of) {
  if (by.on != "reference") return make_kernel_engine(of, by.type, execution_of(by));
  refuse_what_only_the_emulator_does(by);
  return std::make_unique<reference_engine>(of);
}

}  // namespace assay::gpt2

// gpt2 train: parameters that predict a text; gpt2 vocabulary: tokens for one.

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine_options.hpp"
#include "tools/gpt2/optimizer.hpp"
#include "tools/gpt2/token_stream.hpp"
#include "tools/gpt2/train_vocabulary.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <limits>

namespace assay::gpt2 {
namespace {

constexpr std::size_t k_most_text = std::size_t(1) << 32;  // bytes

struct train_options {
  std::string folder, text, out;
  engine_options by;
  stream_options stream{.length = 0, .batch = 8, .shuffle_seed = 0};
  training_settings settings;
  std::int64_t accumulate = 1, every = 10;
  std::uint64_t seed = 0;
};

// Guessing each token by how often it stands in the text: its entropy.
double loss_of_frequencies(const token_source& tokens, std::int64_t vocabulary) {
  std::vector<std::int64_t> counts(std::size_t(vocabulary), 0);
  std::vector<std::int32_t> all(std::size_t(tokens.size()));
  tokens.copy(0, all);
  for (const std::int32_t id : all) ++counts[std::size_t(id)];
  double loss = 0;
  for (const std::int64_t count : counts)
    if (count > 0)
      loss -= double(count) / double(all.size()) * std::log(double(count) / double(all.size()));
  return loss;
}

token_source tokens_of(const train_options& chosen, const gpt2_config& config) {
  if (format_of(chosen.text) != token_format::text)
    return read_tokens(chosen.text, format_of(chosen.text), config.vocabulary);
  tokenizer known = read_tokenizer(chosen.folder);
  if (known.size() > config.vocabulary)
    throw bad_input("'{}' has {} tokens, and the model's vocabulary {}", chosen.folder,
                    known.size(), config.vocabulary);
  return read_text(chosen.text, known);
}

// The mean of the losses and gradients of several batches of one size.
loss_result accumulated(engine& by, token_stream& stream, std::int64_t times) {
  loss_result all;
  for (std::int64_t k = 0; k < times; ++k) {
    const token_batch next = stream.next();
    loss_result one = by.loss({{next.inputs.begin(), next.inputs.end()}, next.length},
                              {next.targets.begin(), next.targets.end()}, true);
    all.loss += one.loss / double(times);
    for (auto& [name, gradient] : one.gradients) {
      for (double& each : gradient.elements()) each /= double(times);
      const auto [there, is_new] = all.gradients.emplace(name, gradient);
      if (is_new) continue;
      for (std::size_t i = 0; i < gradient.elements().size(); ++i)
        there->second.elements()[i] += gradient.elements()[i];
    }
  }
  return all;
}

void copy_tokenizer(const std::string& from, const std::string& to) {
  for (const char* file : {"vocab.json", "merges.txt"}) {
    const std::string source = path_in(from, file), target = path_in(to, file);
    if (!std::filesystem::exists(source) || std::filesystem::exists(target)) continue;
    properties::write_file(target, properties::read_file(source, k_most_text));
  }
}

void report(const train_options& chosen, const common_options& common, std::int64_t step,
            double loss, double norm, double rate) {
  if (common.json)
    fmt::print(
        "{}\n",
        nlohmann::json({{"step", step}, {"loss", loss}, {"gradient_norm", norm}, {"rate", rate}})
            .dump());
  else if (step % chosen.every == 0 || step == 1 || step == chosen.settings.steps)
    fmt::print("step {:>5}  loss {:.4f}  gradient norm {:.3g}  rate {:.2e}\n", step, loss, norm,
               rate);
  std::fflush(stdout);
}

void write_trained(const train_options& chosen, model of, dtype type) {
  round_parameters(of, type);
  write_model(chosen.out, of);
  copy_tokenizer(chosen.folder, chosen.out);
}

int run_train(train_options chosen, const common_options& common) {
  model of = read_model(chosen.folder);
  const dtype type = of.type;
  if (chosen.stream.length == 0) chosen.stream.length = of.config.context;
  if (of.config.positions && chosen.stream.length > of.config.context)
    throw bad_input("sequences of {} tokens; the context is {}", chosen.stream.length,
                    of.config.context);
  if (chosen.out.empty()) chosen.out = chosen.folder;
  chosen.stream.shuffle_seed = chosen.seed;
  const token_source tokens = tokens_of(chosen, of.config);
  token_stream stream(tokens, chosen.stream, chosen.text);
  const std::unique_ptr<engine> by = make_engine(chosen.by, of);
  const std::unique_ptr<optimizer> along = make_optimizer(chosen.by, of, chosen.settings);
  const double frequencies = loss_of_frequencies(tokens, of.config.vocabulary);
  if (common.json)
    fmt::print("{}\n", nlohmann::json({{"tokens", tokens.size()},
                                       {"sequences", stream.sequences()},
                                       {"loss_of_frequencies", frequencies},
                                       {"on", chosen.by.on}})
                           .dump());
  else
    fmt::print("{} tokens, {} sequences of {}; guessing by frequency has a loss of {:.4f}\n",
               tokens.size(), stream.sequences(), chosen.stream.length, frequencies);
  tools::watch_interrupts();
  while (along->steps() < chosen.settings.steps && !tools::interrupted()) {
    const double rate = along->rate();
    loss_result result = accumulated(*by, stream, chosen.accumulate);
    const double norm = along->step(result.gradients);
    report(chosen, common, along->steps(), result.loss, norm, rate);
    if (!std::isfinite(result.loss)) {
      tools::complain(
          fmt::format("the loss of step {} is no number; nothing was written", along->steps()));
      return tools::k_wrong;
    }
  }
  write_trained(chosen, of, type);
  return tools::interrupted() ? tools::k_interrupted : tools::k_good;
}

void add_settings(CLI::App& sub, training_settings& to) {
  constexpr double k_any = std::numeric_limits<double>::infinity();
  const auto count = [&](const char* name, std::int64_t& of, const char* about) {
    sub.add_option(name, of, about)->check(CLI::NonNegativeNumber)->capture_default_str();
  };
  const auto number = [&](const char* name, double& of, const char* about, double most) {
    sub.add_option(name, of, about)->check(tools::number_below(most))->capture_default_str();
  };
  count("--steps", to.steps, "of the optimizer");
  number("--rate", to.rate, "the highest", k_any);
  count("--warmup", to.warmup, "steps to the highest rate");
  number("--beta1", to.beta1, "of the mean of gradients", 1);
  number("--beta2", to.beta2, "of the mean of their squares", 1);
  number("--decay", to.decay, "of matrices", k_any);
  number("--clip", to.clip, "largest global norm of a gradient; 0: any", k_any);
}

}  // namespace

void add_train(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<train_options>();
  CLI::App* const sub = app.add_subcommand("train", "Trains a model on a text, or on tokens.");
  sub->add_option("FOLDER", chosen->folder, "the model, with its tokenizer for a text")->required();
  sub->add_option("--text", chosen->text,
                  "a text; or tokens: NAME.uint16, NAME.bin, NAME.int32, NAME.safetensors")
      ->required()
      ->type_name("FILE");
  sub->add_option("--out", chosen->out, "folder for the result; FOLDER itself otherwise")
      ->type_name("FOLDER");
  sub->add_option("--batch", chosen->stream.batch, "sequences of a batch")->capture_default_str();
  sub->add_option("--length", chosen->stream.length, "tokens of a sequence; the context if 0");
  sub->add_option("--stride", chosen->stream.stride,
                  "from a sequence to the next; its length if 0");
  sub->add_option("--accumulate", chosen->accumulate, "batches of a step")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_settings(*sub, chosen->settings);
  sub->add_option("--every", chosen->every, "steps from a line to the next")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--seed", chosen->seed, "of the order of sequences")
      ->check(tools::whole_number())
      ->capture_default_str();
  add_engine_options(*sub, chosen->by);
  sub->callback([chosen, &common, &status] { status = run_train(*chosen, common); });
}

void add_vocabulary(CLI::App& app, const common_options&, int& status) {
  struct vocabulary_options {
    std::string folder, text;
    vocabulary_request request{.size = 512};
  };
  auto chosen = std::make_shared<vocabulary_options>();
  CLI::App* const sub =
      app.add_subcommand("vocabulary", "Byte-pair tokens for a text: vocab.json and merges.txt.");
  sub->add_option("FOLDER", chosen->folder, "written to; made where there is none")->required();
  sub->add_option("--text", chosen->text, "whose pairs are counted")->required()->type_name("FILE");
  sub->add_option("--size", chosen->request.size, "tokens, 257 at least")->capture_default_str();
  sub->callback([chosen, &status] {
    std::error_code failed;
    std::filesystem::create_directories(chosen->folder, failed);
    if (failed)
      throw bad_input("cannot make the folder '{}': {}", chosen->folder, failed.message());
    write_vocabulary(
        chosen->folder,
        train_vocabulary(properties::read_file(chosen->text, k_most_text), chosen->request));
    status = tools::k_good;
  });
}

}  // namespace assay::gpt2

// gpt2 generate: what comes after a prompt.

#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine_options.hpp"
#include "tools/gpt2/next_token.hpp"
#include "tools/gpt2/tokenizer.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace assay::gpt2 {
namespace {

struct generate_options {
  std::string folder, text, ids;
  engine_options by;
  sampling_options how;
  std::int64_t count = 30, sequences = 1, stop = -1;
  bool slide = false;
};

// What the model looks at: all of a sequence, or the last tokens that its context holds.
std::vector<std::int64_t> window_of(const std::vector<std::int64_t>& ids, const gpt2_config& config,
                                    bool slide) {
  if (!config.positions || std::int64_t(ids.size()) <= config.context) return ids;
  if (!slide)
    throw bad_input("{} tokens are more than the context of {}; --slide forgets the first",
                    ids.size(), config.context);
  return {ids.end() - config.context, ids.end()};
}

class generator {
 public:
  generator(const generate_options& chosen, const model& of, std::vector<std::int64_t> prompt)
      : chosen_(chosen),
        of_(of),
        by_(make_engine(chosen.by, of)),
        sequences_(std::size_t(chosen.sequences), prompt),
        ended_(std::size_t(chosen.sequences), false) {}

  // One more token for every sequence that has not ended; false where all have.
  bool step() {
    reference::token_batch batch;
    std::vector<std::size_t> going;
    for (std::size_t s = 0; s < sequences_.size(); ++s) {
      if (ended_[s]) continue;
      const std::vector<std::int64_t> seen = window_of(sequences_[s], of_.config, chosen_.slide);
      batch.ids.insert(batch.ids.end(), seen.begin(), seen.end());
      batch.length = std::int64_t(seen.size());
      going.push_back(s);
    }
    if (going.empty()) return false;
    const std::vector<double> logits = by_->logits(batch);
    const auto width = std::size_t(of_.config.vocabulary), length = std::size_t(batch.length);
    for (std::size_t k = 0; k < going.size(); ++k) {
      std::vector<std::int64_t>& ids = sequences_[going[k]];
      const std::span<const double> last(&logits[((k + 1) * length - 1) * width], width);
      const std::int64_t next =
          next_token(last, chosen_.how, std::uint32_t(going[k]), std::int64_t(ids.size()));
      ids.push_back(next);
      ended_[going[k]] = next == chosen_.stop;
    }
    return true;
  }

  const std::vector<std::vector<std::int64_t>>& sequences() const { return sequences_; }

 private:
  const generate_options& chosen_;
  const model& of_;
  std::unique_ptr<engine> by_;
  std::vector<std::vector<std::int64_t>> sequences_;
  std::vector<bool> ended_;
};

std::string text_of(const tokenizer& known, const std::vector<std::int64_t>& ids) {
  const std::vector<std::int32_t> narrow(ids.begin(), ids.end());
  return known.decode(narrow);
}

int run_generate(generate_options chosen, const common_options& common) {
  if (chosen.text.empty() == chosen.ids.empty())
    throw bad_input("a prompt is a text or its tokens: one of --text and --ids");
  const model of = read_model(chosen.folder);
  std::optional<tokenizer> known;
  if (!chosen.text.empty()) known = read_tokenizer(chosen.folder);
  std::vector<std::int64_t> prompt;
  if (known) {
    const std::vector<std::int32_t> ids = known->encode(chosen.text);
    prompt.assign(ids.begin(), ids.end());
    if (chosen.stop < 0 && known->end_of_text()) chosen.stop = *known->end_of_text();
  } else {
    prompt = parsed_tokens(chosen.ids).ids;
  }
  check_tokens({prompt, 0}, of.config);
  generator run(chosen, of, prompt);
  tools::watch_interrupts();
  tools::progress shown("tokens", std::uint64_t(chosen.count));
  for (std::int64_t i = 0; i < chosen.count && !tools::interrupted() && run.step(); ++i)
    shown.show(std::uint64_t(i + 1));
  for (const std::vector<std::int64_t>& ids : run.sequences()) {
    if (common.json) {
      nlohmann::json one = {{"tokens", ids}, {"prompt_tokens", prompt.size()}};
      if (known) one["text"] = text_of(*known, ids);
      fmt::print("{}\n", one.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else if (known) {
      fmt::print("{}\n", text_of(*known, ids));
    } else {
      fmt::print("{}\n", fmt::join(ids, ","));
    }
  }
  return tools::interrupted() ? tools::k_interrupted : tools::k_good;
}

}  // namespace

void add_generate(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<generate_options>();
  CLI::App* const sub = app.add_subcommand("generate", "Continues a prompt.");
  sub->add_option("FOLDER", chosen->folder, "the model, with its tokenizer for a text")->required();
  sub->add_option("--text", chosen->text, "the prompt");
  sub->add_option("--ids", chosen->ids, "the prompt's tokens, such as 15496,11,995");
  sub->add_option("--count", chosen->count, "tokens to come")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  sub->add_option("--sequences", chosen->sequences, "that begin with the prompt")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_flag("--greedy", chosen->how.greedy, "the most probable token, always");
  sub->add_option("--temperature", chosen->how.by.temperature, "0 is greedy")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  sub->add_option("--top-k", chosen->how.by.top_k, "only so many of the most probable; 0: all")
      ->check(CLI::NonNegativeNumber);
  sub->add_option("--top-p", chosen->how.by.top_p, "only the most probable with this share")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  sub->add_option("--stop", chosen->stop, "a token that ends a sequence; <|endoftext|> otherwise");
  sub->add_flag("--slide", chosen->slide, "forget the first tokens where the context is full");
  sub->add_option("--seed", chosen->how.seed, "of what is drawn")
      ->check(tools::whole_number())
      ->capture_default_str();
  add_engine_options(*sub, chosen->by);
  sub->callback([chosen, &common, &status] { status = run_generate(*chosen, common); });
}

}  // namespace assay::gpt2

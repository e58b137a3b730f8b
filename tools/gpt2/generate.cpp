// gpt2 generate: what comes after a prompt.

#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine_options.hpp"
#include "tools/gpt2/tokenizer.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace assay::gpt2 {
namespace {

struct generate_options {
  std::string folder, text, ids;
  engine_options by;
  sampling_options how;
  std::int64_t count = 30, sequences = 1, stop = -1;
  bool slide = false, cache = true;
};

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
    if (std::all_of(ended_.begin(), ended_.end(), [](bool each) { return each; })) return false;
    const std::vector<std::int64_t> chosen = next_tokens();
    for (std::size_t s = 0; s < sequences_.size(); ++s) {
      const std::int64_t next = ended_[s] ? chosen_.stop : chosen[s];
      sequences_[s].push_back(next);
      ended_[s] = ended_[s] || next == chosen_.stop;
    }
    return true;
  }

  // Without what came behind a token that ends.
  std::vector<std::vector<std::int64_t>> sequences(std::size_t prompt) const {
    std::vector<std::vector<std::int64_t>> all = sequences_;
    for (std::vector<std::int64_t>& ids : all)
      if (const auto end = std::find(ids.begin() + std::ptrdiff_t(prompt), ids.end(), chosen_.stop);
          end != ids.end())
        ids.erase(end + 1, ids.end());
    return all;
  }

 private:
  // The last `count` tokens of every sequence.
  reference::token_batch last_tokens(std::int64_t count) const {
    reference::token_batch batch{{}, count};
    for (const std::vector<std::int64_t>& ids : sequences_)
      batch.ids.insert(batch.ids.end(), ids.end() - count, ids.end());
    return batch;
  }

  // A context that is full begins anew with what it holds of the last tokens: positions move.
  std::vector<std::int64_t> next_tokens() {
    const auto length = std::int64_t(sequences_[0].size());
    const std::int64_t room = of_.config.positions ? of_.config.context : length + chosen_.count;
    if (length > room && !chosen_.slide)
      throw bad_input("{} tokens are more than the context of {}; --slide forgets the first",
                      length, room);
    if (!running_ || length > room) {
      running_ = chosen_.cache ? by_->begin(room) : begin_without_cache(*by_, of_.config);
      seen_ = std::max<std::int64_t>(length - room, 0);
    }
    const std::int64_t news = length - seen_;
    seen_ = length;
    return running_->next(last_tokens(news), chosen_.how, length);
  }

  const generate_options& chosen_;
  const model& of_;
  std::unique_ptr<engine> by_;
  std::unique_ptr<session> running_;
  std::int64_t seen_ = 0;
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
  if (chosen.by.on == "reference") chosen.cache = false;
  if (known) {
    const std::vector<std::int32_t> ids = known->encode(chosen.text);
    prompt.assign(ids.begin(), ids.end());
    if (chosen.stop < 0 && known->end_of_text()) chosen.stop = *known->end_of_text();
  } else {
    prompt = parsed_tokens(chosen.ids).ids;
  }
  if (chosen.stop >= of.config.vocabulary)
    throw bad_input("--stop {} is no token of a vocabulary of {}", chosen.stop,
                    of.config.vocabulary);
  if (prompt.empty()) throw bad_input("the prompt is empty; expected a token at least");
  check_tokens({prompt, 0}, of.config);
  generator run(chosen, of, prompt);
  tools::watch_interrupts();
  tools::progress shown("tokens", std::uint64_t(chosen.count));
  for (std::int64_t i = 0; i < chosen.count && !tools::interrupted() && run.step(); ++i)
    shown.show(std::uint64_t(i + 1));
  for (const std::vector<std::int64_t>& ids : run.sequences(prompt.size())) {
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
  sub->add_flag("!--no-cache", chosen->cache,
                "all tokens pass through the model for every new one");
  sub->add_flag("--slide", chosen->slide, "forget the first tokens where the context is full");
  sub->add_option("--seed", chosen->how.seed, "of what is drawn")
      ->check(tools::whole_number())
      ->capture_default_str();
  add_engine_options(*sub, chosen->by);
  sub->callback([chosen, &common, &status] { status = run_generate(*chosen, common); });
}

}  // namespace assay::gpt2

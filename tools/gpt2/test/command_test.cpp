// The command as its users meet it: a model from nothing to text, and what it says of wrong input.

#include "tools/assay/test/command.hpp"

#include "tools/assay/test/run_command.hpp"

#include <set>

namespace assay::gpt2 {
namespace {

using tools::test::ended;

void refused_by_gpt2(const ended& result, const std::string& because) {
  tools::test::expect_refused(result, because, "gpt2");
}

class gpt2_command : public tools::test::command {
 protected:
  ended gpt2(const std::vector<std::string>& arguments) const {
    return assay(arguments, {.program = ASSAY_GPT2});
  }
  void make_model(const std::string& folder) const {
    EXPECT_EQ(gpt2({"vocabulary", folder, "--text", k_text, "--size", "300"}).code, 0);
    EXPECT_EQ(gpt2({"init", folder, "--vocabulary", "300", "--channels", "32", "--layers", "2",
                    "--heads", "2", "--context", "24"})
                  .code,
              0);
  }
  void give_tokens(const std::vector<double>& ids) const {
    const auto n = std::int64_t(ids.size()) / 2;
    properties::write_safetensors(path("in"),
                                  {{tools::test::tensor("tokens", dtype::int32, {2, n}, ids),
                                    tools::test::tensor("targets", dtype::int32, {2, n}, ids)},
                                   {}});
  }

  const std::string k_text = ASSAY_GPT2_TEST_DATA "/text.txt";
};

TEST_F(gpt2_command, counts_the_parameters_of_the_published_model) {
  write(
      "config.json",
      R"({"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12})");
  const nlohmann::json of = gpt2({"params", ".", "--json"}).json();
  EXPECT_EQ(of["total"], 124'439'808);
  EXPECT_EQ(of["total_with_head"], 163'037'184);
  EXPECT_EQ(of["parameters"].size(), 2u + 12 * 12 + 2 + 1);
}

// Of B T rows: embedding, 2 norms with mean and rstd, qkv, joined and lse, x_at, hidden and active,
// x_ff; the last norm, logits.
TEST_F(gpt2_command, tells_every_shape_on_the_way) {
  write(
      "config.json",
      R"({"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12})");
  const nlohmann::json of =
      gpt2({"params", ".", "--trace", "--batch", "2", "--length", "3", "--json"}).json();
  EXPECT_EQ(of["trace"].size(), 1u + 12 * (3 + 1 + 2 + 1 + 3 + 2 + 1) + 3 + 1);
  EXPECT_EQ(of["trace"][4]["operation"], "h.0.attn.c_attn");
  EXPECT_EQ(of["trace"][4]["shape"], nlohmann::json({2, 3, 3 * 768}));
  EXPECT_EQ(of["activation_bytes"],
            4 * 6 * (768 + 12 * (2 * 770 + 3 * 768 + 768 + 12 + 2 * 768 + 2 * 3072) + 770 + 50257));
}

TEST_F(gpt2_command, trains_and_goes_on_from_a_prompt) {
  make_model("m");
  const ended trained = gpt2({"train", "m", "--text", k_text, "--steps", "40", "--batch", "4",
                              "--length", "24", "--rate", "1e-2", "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const std::vector<std::string> lines = trained.lines();
  ASSERT_EQ(lines.size(), 41u);
  const double guess = nlohmann::json::parse(lines[0])["loss_of_frequencies"],
               first = nlohmann::json::parse(lines[1])["loss"],
               last = nlohmann::json::parse(lines[40])["loss"];
  EXPECT_GT(first, guess);
  EXPECT_LT(last, guess);
  for (const char* on : {"reference", "emulator"}) {
    const ended text =
        gpt2({"generate", "m", "--text", "The ", "--count", "5", "--greedy", "--on", on});
    EXPECT_EQ(text.code, 0) << text.err;
    EXPECT_EQ(text.out.substr(0, 4), "The ");
  }
}

TEST_F(gpt2_command, trains_by_kernels) {
  make_model("m");
  const ended trained = gpt2({"train", "m", "--text", k_text, "--steps", "15", "--batch", "2",
                              "--length", "24", "--rate", "1e-2", "--on", "emulator", "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const std::vector<std::string> lines = trained.lines();
  ASSERT_EQ(lines.size(), 16u);
  EXPECT_LT(nlohmann::json::parse(lines[15])["loss"], nlohmann::json::parse(lines[1])["loss"]);
}

// In fp32 the margins of a trained model exceed what rounding does to logits.
TEST_F(gpt2_command, gives_the_same_tokens_with_caches_and_without) {
  make_model("m");
  ASSERT_EQ(gpt2({"train", "m", "--text", k_text, "--steps", "30", "--batch", "2", "--length", "24",
                  "--rate", "1e-2"})
                .code,
            0);
  const std::vector<std::string> usual = {"generate", "m",  "--ids",    "40,41,42",
                                          "--count",  "12", "--greedy", "--on"};
  std::vector<std::string> all;
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {"reference"}, {"emulator"}, {"emulator", "--no-cache"}}) {
    std::vector<std::string> words = usual;
    words.insert(words.end(), more.begin(), more.end());
    const ended result = gpt2(words);
    EXPECT_EQ(result.code, 0) << result.err;
    all.push_back(result.out);
  }
  EXPECT_EQ(all[0], all[1]);
  EXPECT_EQ(all[0], all[2]);
}

TEST_F(gpt2_command, draws_the_same_whatever_the_batch) {
  make_model("m");
  const auto drawn = [&](const char* sequences) {
    return gpt2({"generate", "m", "--ids", "40,41", "--count", "6", "--sequences", sequences,
                 "--seed", "3", "--on", "emulator"})
        .lines();
  };
  const std::vector<std::string> one = drawn("1"), three = drawn("3");
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(one[0], three[0]);
  EXPECT_NE(three[0], three[1]);
}

TEST_F(gpt2_command, traces_and_judges_the_whole_model) {
  make_model("m");
  give_tokens({1, 2, 3, 4, 5, 6});
  const nlohmann::json trace =
      gpt2({"trace", "m", "--tokens", "in", "--backward", "--dtype", "bf16", "--json"}).json();
  EXPECT_EQ(trace["operations"].size(), 3u + 2 * 7 + 1 + 2 + 2 * 8 + 2);
  EXPECT_FALSE(trace.contains("first_outside"));
  for (const nlohmann::json& each : trace["operations"]) EXPECT_TRUE(each["passed"]) << each;
  const ended spread = gpt2({"spread", "m", "--tokens", "in", "--runs", "10", "--json"});
  EXPECT_EQ(spread.code, 0) << spread.out;
  EXPECT_EQ(spread.json()["agreement"], 1);
}

TEST_F(gpt2_command, takes_a_sequence_typed_in_for_one_in_a_file) {
  make_model("m");
  const std::vector<double> tokens = {5, 7, 9}, targets = {7, 9, 200};
  properties::write_safetensors(path("in"),
                                {{tools::test::tensor("tokens", dtype::int32, {1, 3}, tokens),
                                  tools::test::tensor("targets", dtype::int32, {1, 3}, targets)},
                                 {}});
  const ended of_file = gpt2({"loss", "m", "--tokens", "in", "--json"}),
              typed = gpt2({"loss", "m", "--ids", "5,7,9,200", "--json"});
  EXPECT_EQ(of_file.code, 0) << of_file.err;
  EXPECT_EQ(of_file.out, typed.out);
  refused_by_gpt2(gpt2({"loss", "m", "--ids", "5"}), "a token and its target are two at least");
  refused_by_gpt2(gpt2({"loss", "m"}), "one of --tokens and --ids");
  refused_by_gpt2(gpt2({"loss", "m", "--ids", "5,6", "--tokens", "in"}),
                  "one of --tokens and --ids");
}

TEST_F(gpt2_command, refuses_wrong_input_in_one_line) {
  make_model("m");
  give_tokens({1, 2, 3, 300, 5, 6});
  refused_by_gpt2(gpt2({"loss", "m", "--tokens", "in"}),
                  "gpt2: token 300 is not in the vocabulary, 0 to 299");
  give_tokens(std::vector<double>(50, 1));
  refused_by_gpt2(gpt2({"logits", "m", "--tokens", "in"}),
                  "gpt2: a sequence has 25 tokens; the context is 24");
  refused_by_gpt2(gpt2({"logits", "m", "--tokens", "in", "--on", "gpu"}),
                  "a sequence has 25 tokens");
  refused_by_gpt2(gpt2({"params", "nowhere"}), "nowhere/config.json");
  refused_by_gpt2(gpt2({"generate", "m"}), "a prompt is a text or its tokens");
  refused_by_gpt2(gpt2({"generate", "m", "--ids", "1,x"}), "'1,x' is no list of tokens");
  refused_by_gpt2(gpt2({"generate", "m", "--ids", "1", "--count", "30"}),
                  "25 tokens are more than the context of 24");
  refused_by_gpt2(gpt2({"trace", "m", "--tokens", "in", "--on", "reference"}),
                  "a trace is of kernels");
  refused_by_gpt2(gpt2({"generate", "m", "--ids", "1", "--stop", "300"}),
                  "--stop 300 is no token of a vocabulary of 300");
  refused_by_gpt2(gpt2({"generate", "m", "--ids", "1", "--sanitize"}),
                  "--sanitize watches the emulator");
  refused_by_gpt2(gpt2({"generate", "m", "--ids", "1", "--sched", "2"}),
                  "--sched orders the emulator's threads");
  for (const char* option : {"--beta1", "--beta2"})
    refused_by_gpt2(gpt2({"train", "m", "--text", k_text, option, "1"}),
                    "'1' is no number from 0 to below 1");
  for (const char* option : {"--rate", "--decay", "--clip"})
    refused_by_gpt2(gpt2({"train", "m", "--text", k_text, option, "-1"}),
                    "'-1' is no number from 0 on");
  refused_by_gpt2(gpt2({"generat", "m"}), "did you mean generate");
}

TEST_F(gpt2_command, runs_under_the_sanitizers_in_another_order) {
  make_model("m");
  const std::vector<std::string> usual = {"generate", "m",    "--ids",    "1,2",   "--count",
                                          "3",        "--on", "emulator", "--json"};
  std::vector<std::string> watched = usual;
  watched.insert(watched.end(), {"--sanitize", "--sched", "7"});
  const ended plain = gpt2(usual), other = gpt2(watched);
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_EQ(plain.out, other.out);
}

TEST_F(gpt2_command, tells_where_time_goes) {
  make_model("m");
  for (const char* pass : {"forward", "backward", "step", "decode"}) {
    const std::vector<std::string> usual = {"time", "m",        "--pass", pass,      "--length",
                                            "4",    "--rounds", "2",      "--batch", "3"};
    const ended shown = gpt2(usual);
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_NE(shown.out.find("tokens a second"), std::string::npos) << shown.out;
    std::vector<std::string> words = usual;
    words.emplace_back("--json");
    const nlohmann::json told = gpt2(words).json();
    EXPECT_EQ(told["tokens"], std::string(pass) == "decode" ? 3 : 12);
    EXPECT_EQ(told["seconds"].size(), 2u);
    for (const nlohmann::json& each : told["operations"]) EXPECT_EQ(each["seconds"].size(), 2u);
    EXPECT_EQ(told["graph_seconds"].size(), 2u);
    words.back() = "--every";
    EXPECT_GE(gpt2(words).lines().size(), told["operations"].size());
  }
  refused_by_gpt2(gpt2({"time", "m", "--on", "reference"}), "time is of kernels");
  refused_by_gpt2(gpt2({"time", "m", "--sanitize"}), "--sanitize");
  refused_by_gpt2(gpt2({"time", "m", "--length", "500"}), "is more than the context of");
}

TEST_F(gpt2_command, takes_turns_and_gives_what_was_timed) {
  make_model("m");
  write("asked", "\n\n\n");
  const auto turns = [&](const std::string& pass) {
    const ended all = assay(
        {"time", "m", "--pass", pass, "--length", "4", "--batch", "3", "--by-turns", "--out", pass},
        {.program = ASSAY_GPT2, .from = path("asked")});
    EXPECT_EQ(all.code, 0) << all.err;
    EXPECT_EQ(all.lines().size(), 4u);
    const nlohmann::json about = nlohmann::json::parse(all.lines()[0]);
    EXPECT_EQ(about["pass"], pass);
    EXPECT_EQ(about["batch"], 3);
    for (std::size_t i = 1; i < all.lines().size(); ++i)
      for (const char* each : {"seconds", "graph_seconds"})
        EXPECT_GT(nlohmann::json::parse(all.lines()[i])[each], 0);
    return properties::read_safetensors(path(pass)).tensors;
  };
  // The tokens of the last sequence, and the logits that follow the last of them.
  ASSERT_EQ(gpt2({"logits", "m", "--ids", "8,9,10,11", "--out", "usual", "--on", "emulator"}).code,
            0);
  const std::vector<double> usual = tools::test::values(
                                properties::read_safetensors(path("usual")).tensors[0]),
                            last = tools::test::values(turns("forward")[0]);
  ASSERT_EQ(last.size(), 3u * 300);
  EXPECT_TRUE(std::equal(last.end() - 300, last.end(), usual.end() - 300, usual.end()));
  EXPECT_EQ(turns("decode")[0].shape, (std::vector<std::int64_t>{3, 300}));
  for (const bool step : {false, true}) {
    std::set<std::string> names;
    for (const properties::stored_tensor& each : turns(step ? "step" : "backward"))
      names.insert(each.name);
    EXPECT_EQ(names.size(), 1u + 2 + 2 * 12 + 2 + (step ? 1 : 0));
    EXPECT_TRUE(names.contains("loss") && names.contains("gradient.h.1.mlp.c_fc.bias"));
    EXPECT_EQ(names.contains("norm"), step);
  }
  refused_by_gpt2(gpt2({"time", "m", "--by-turns", "--rounds", "3"}),
                  "--rounds excludes --by-turns");
}

// Forgets the first tokens, and goes on; what is drawn is drawn anew at every position.
TEST_F(gpt2_command, slides_where_it_is_asked_to) {
  make_model("m");
  std::vector<std::string> all;
  for (const char* on : {"reference", "emulator"}) {
    const ended slid =
        gpt2({"generate", "m", "--ids", "1", "--count", "30", "--slide", "--on", on, "--json"});
    ASSERT_EQ(slid.code, 0) << slid.err;
    const std::vector<int> tokens = slid.json()["tokens"];
    EXPECT_EQ(tokens.size(), 31u);
    EXPECT_GT(std::set<int>(tokens.end() - 4, tokens.end()).size(), 1u);
    all.push_back(slid.out);
  }
  EXPECT_EQ(all[0], all[1]);
}

}  // namespace
}  // namespace assay::gpt2

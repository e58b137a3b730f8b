// The next token by kernels: within its bound, and the one that the host chooses from the same
// logits.

#include "tools/gpt2/test/models.hpp"
#include "tools/gpt2/test/support.hpp"

#include <cmath>
#include <set>

namespace assay::gpt2 {
namespace {

const std::vector<sampling_options> k_ways = {
    {.greedy = true},
    {.by = {.temperature = 0}},
    {.seed = 5},
    {.by = {.temperature = 3, .top_k = 7, .top_p = 0.9}, .seed = std::uint64_t(1) << 53}};

std::unique_ptr<engine> kernels(const model& m, dtype type) {
  return make_kernel_engine(m, type, execution_on(simt::build::plain));
}

TEST(sampling_by_kernels, is_within_its_bound) {
  const model m = test::lively(test::tiny());
  const reference::token_batch tokens = test::example_of(m.config, 3, 5).tokens;
  for (const sampling_options& how : k_ways) {
    executor by(planned(m.config, {.batch = 3, .length = 5, .next = how}),
                execution_on(simt::build::plain));
    for (const auto& [name, parameter] : m.parameters) by.upload(name, parameter.elements());
    by.upload("tokens", std::vector<double>(tokens.ids.begin(), tokens.ids.end()));
    if (!how.is_greedy()) {
      by.upload("sequences", std::vector<double>{0, 1, 2});
      by.upload("positions", std::vector<double>{5, 5, 5});
    }
    std::string last;
    traced(by, {}, [&](const traced_operation& each) {
      EXPECT_TRUE(each.passed()) << each.name << ": " << each.outputs[0].reason;
      last = each.name + " (" + each.function + " by " + each.implementation + ")";
      return true;
    });
    EXPECT_EQ(last, how.is_greedy() ? "next (sampling.greedy.fwd by block)"
                                    : "next (sampling.next.fwd by block)");
  }
}

// With caches, and without: of every sequence, wherever its text stands. Draws differ.
TEST(sampling_by_kernels, is_the_token_that_the_host_chooses) {
  for (const dtype type : {dtype::fp32, dtype::bf16}) {
    const model m = test::lively(test::tiny(), type);
    const reference::token_batch tokens = test::example_of(m.config, 3, 5).tokens;
    const auto cached = kernels(m, type), whole = kernels(m, type);
    const std::vector<double> logits = whole->logits(tokens),
                              of_cached = cached->begin(5)->extend(tokens);
    const std::vector<double> last = of_last_tokens(logits, 3, m.config.vocabulary);
    for (const sampling_options& how : k_ways) {
      std::set<std::vector<std::int64_t>> seen;
      for (const std::int64_t position : {5, 6, 7, 900, 901, 902}) {
        const auto wanted = next_tokens(last, 3, how, position);
        EXPECT_EQ(whole->next(tokens, how, position), wanted);
        EXPECT_EQ(cached->begin(5)->next(tokens, how, position),
                  next_tokens(of_cached, 3, how, position));
        EXPECT_EQ(begin_without_cache(*whole, m.config)->next(tokens, how, position), wanted);
        seen.insert(wanted);
      }
      EXPECT_EQ(seen.size() == 1, how.is_greedy());
    }
  }
}

TEST(sampling_by_kernels, says_where_no_token_can_come) {
  model m = test::lively(test::tiny());
  const reference::token_batch tokens = test::example_of(m.config, 2, 3).tokens;
  m.parameters.at("ln_f.bias").elements()[0] = std::nan("");
  for (const sampling_options& how : k_ways)
    for (const char* on : {"reference", "emulator"}) {
      const auto by = make_engine({.on = on}, m);
      const std::string none = "no token can follow at position 3: ";
      EXPECT_EQ(test::refusal_of([&] { by->next(tokens, how, 3); }).substr(0, none.size()), none);
      EXPECT_EQ(
          test::refusal_of([&] { by->begin(4)->next(tokens, how, 3); }).substr(0, none.size()),
          none);
    }
}

TEST(sampling_by_kernels, takes_a_seed_that_double_has) {
  const model m = test::lively(test::tiny());
  const reference::token_batch tokens = test::example_of(m.config, 1, 3).tokens;
  const sampling_options far = {.seed = (std::uint64_t(1) << 53) + 1};
  EXPECT_EQ(test::refusal_of([&] { kernels(m, dtype::fp32)->next(tokens, far, 3); }),
            "a seed of 9007199254740993 is more than 2^53, the largest that kernels take");
  EXPECT_EQ(make_engine({}, m)->next(tokens, far, 3).size(), 1u);
}

}  // namespace
}  // namespace assay::gpt2

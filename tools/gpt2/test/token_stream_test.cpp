#include "tools/gpt2/token_stream.hpp"

#include "tools/gpt2/test/support.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

namespace assay::gpt2 {
namespace {

using test::refusal_of;
using testing::ElementsAre;
using ids = std::vector<std::int32_t>;

// Tokens 0, 1, ..., so that a token says where it stood.
token_source counting(std::int64_t size) {
  ids tokens(static_cast<std::size_t>(size));
  std::iota(tokens.begin(), tokens.end(), 0);
  return token_source(std::move(tokens));
}

// First tokens of the sequences of the next batches, until there are `count` or the stream ends.
ids firsts(token_stream& stream, std::size_t count) {
  ids found;
  while (found.size() < count) {
    const token_batch batch = stream.next();
    if (batch.sequences == 0) break;
    for (std::size_t at = 0; at < batch.inputs.size(); at += std::size_t(batch.length))
      found.push_back(batch.inputs[at]);
  }
  return found;
}

TEST(token_stream, gives_sequences_and_the_tokens_behind_them) {
  token_stream stream(counting(12), {.length = 4, .stride = 3, .batch = 2}, "x");
  EXPECT_EQ(stream.sequences(), 3);
  const token_batch batch = stream.next();
  EXPECT_EQ(batch.sequences, 2);
  EXPECT_EQ(batch.length, 4);
  EXPECT_THAT(batch.inputs, ElementsAre(0, 1, 2, 3, 3, 4, 5, 6));
  EXPECT_THAT(batch.targets, ElementsAre(1, 2, 3, 4, 4, 5, 6, 7));
}

TEST(token_stream, drops_what_is_left_or_moves_the_last_sequence_back) {
  const auto starts = [](std::int64_t size, last_sequence last) {
    token_stream stream(counting(size), {.length = 4, .epochs = 1, .last = last}, "x");
    return firsts(stream, 100);
  };
  EXPECT_THAT(starts(12, last_sequence::dropped), ElementsAre(0, 4));
  EXPECT_THAT(starts(12, last_sequence::moved_back), ElementsAre(0, 4, 7));
  EXPECT_THAT(starts(13, last_sequence::dropped), ElementsAre(0, 4, 8));
  EXPECT_THAT(starts(13, last_sequence::moved_back), ElementsAre(0, 4, 8));
  EXPECT_THAT(starts(5, last_sequence::moved_back), ElementsAre(0));
}

// Against what the header says, counted one by one.
TEST(token_stream, has_every_sequence_that_fits) {
  EXPECT_TRUE(rc::check("over sizes", [] {
    const auto length = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto size = *rc::gen::inRange<std::int64_t>(length + 1, 200);
    const auto stride = *rc::gen::inRange<std::int64_t>(1, 60);
    const bool moved = *rc::gen::arbitrary<bool>(), shuffled = *rc::gen::arbitrary<bool>();
    ids expected;
    for (std::int64_t first = 0; first + length + 1 <= size; first += stride)
      expected.push_back(std::int32_t(first));
    const auto last = std::int32_t(size - length - 1);
    if (moved && expected.back() != last) expected.push_back(last);
    stream_options options = {.length = length, .stride = stride, .batch = 3, .epochs = 1};
    if (shuffled) options.shuffle_seed = *rc::gen::arbitrary<std::uint64_t>();
    if (moved) options.last = last_sequence::moved_back;
    token_stream stream(counting(size), options, "x");
    ids found = firsts(stream, 1000);
    if (shuffled) std::sort(found.begin(), found.end());
    RC_ASSERT(found == expected);
    RC_ASSERT(stream.sequences() == std::int64_t(expected.size()));
  }));
}

TEST(token_stream, shuffles_every_epoch_anew_and_by_its_seed) {
  const auto epochs_of = [](std::uint64_t seed) {
    token_stream stream(counting(101), {.length = 1, .shuffle_seed = seed}, "x");
    return firsts(stream, 200);
  };
  const ids one = epochs_of(1);
  const ids first(one.begin(), one.begin() + 100), second(one.begin() + 100, one.end());
  EXPECT_TRUE(std::is_permutation(first.begin(), first.end(), second.begin()));
  EXPECT_FALSE(std::is_sorted(first.begin(), first.end()));
  EXPECT_NE(first, second);
  EXPECT_EQ(one, epochs_of(1));
  EXPECT_NE(one, epochs_of(2));
}

TEST(token_stream, runs_on_from_epoch_to_epoch_and_ends_after_the_last) {
  token_stream endless(counting(4), {.length = 1, .batch = 2}, "x");
  EXPECT_THAT(firsts(endless, 8), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1));
  EXPECT_EQ(endless.epoch(), 2);
  token_stream two(counting(4), {.length = 1, .batch = 4, .epochs = 2}, "x");
  EXPECT_EQ(two.next().inputs, (ids{0, 1, 2, 0}));
  EXPECT_EQ(two.next().inputs, (ids{1, 2}));
  EXPECT_EQ(two.next().sequences, 0);
  EXPECT_EQ(two.next().inputs.size(), 0u);
}

TEST(token_stream, goes_on_from_any_position) {
  EXPECT_TRUE(rc::check("over positions", [] {
    stream_options options = {.length = 2, .stride = 1, .batch = *rc::gen::inRange(1, 9)};
    if (*rc::gen::arbitrary<bool>()) options.shuffle_seed = 5;
    token_stream stream(counting(30), options, "x"), other(counting(30), options, "x");
    for (int i = *rc::gen::inRange(0, 20); i > 0; --i) stream.next();
    other.seek(stream.position());
    for (int i = 0; i < 10; ++i) RC_ASSERT(stream.next().inputs == other.next().inputs);
  }));
}

TEST(token_stream, refuses_what_cannot_be) {
  const auto refusal = [](std::int64_t size, const stream_options& options) {
    return refusal_of([&] { token_stream(counting(size), options, "x.txt"); });
  };
  EXPECT_EQ(refusal(4, {.length = 4}),
            "x.txt: it has 4 tokens; a sequence of 4 needs one more than that, its targets being "
            "shifted by one");
  EXPECT_EQ(refusal(9, {}), "the length of a sequence is 0; at least 1 was expected");
  EXPECT_EQ(refusal(9, {.length = 4, .stride = -1}),
            "the stride of sequences is -1; at least 1 was expected");
  EXPECT_EQ(refusal(9, {.length = 4, .batch = 0}),
            "the number of sequences in a batch is 0; at least 1 was expected");
  EXPECT_EQ(refusal(9, {.length = 4, .epochs = 0}),
            "the number of epochs is 0; at least 1 was expected");
  EXPECT_EQ(refusal(9, {.length = 4, .batch = std::int64_t(1) << 40}),
            "a batch of 1099511627776 sequences of 4 tokens; at most 2^31 tokens were expected");
  token_stream stream(counting(9), {.length = 4, .epochs = 3}, "x.txt");
  EXPECT_EQ(refusal_of([&] { stream.seek(-1); }),
            "x.txt: position -1; sequences are counted from 0");
  EXPECT_EQ(refusal_of([&] { stream.seek(7); }),
            "x.txt: position 7; 3 epochs of 2 sequences end at 6");
  stream.seek(6);
  EXPECT_EQ(stream.next().sequences, 0);
}

TEST(token_stream, knows_strides_and_epochs_beyond_all_numbers) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  token_stream stream(
      counting(9), {.length = 4, .stride = most, .epochs = most, .last = last_sequence::moved_back},
      "x");
  EXPECT_THAT(firsts(stream, 3), ElementsAre(0, 4, 0));
}

}  // namespace
}  // namespace assay::gpt2

#include "tools/gpt2/token_stream.hpp"

#include "properties/bad_input.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace assay::gpt2 {
namespace {

constexpr std::int64_t k_most_tokens = std::int64_t(1) << 31;  // of a batch

void require_positive(const char* what, std::int64_t value) {
  if (value < 1) throw bad_input("{} is {}; at least 1 was expected", what, value);
}

// Sequences of length + 1 tokens, `stride` apart, in `tokens` tokens; more than length of them.
std::int64_t count_sequences(std::int64_t tokens, const stream_options& options) {
  const std::int64_t room = tokens - options.length - 1;
  const bool moved = options.last == last_sequence::moved_back && room % options.stride != 0;
  return room / options.stride + 1 + moved;
}

}  // namespace

token_stream::token_stream(token_source tokens, const stream_options& options,
                           const std::string& whence)
    : tokens_(std::move(tokens)), options_(options), whence_(whence) {
  if (options_.stride == 0) options_.stride = options_.length;
  require_positive("the length of a sequence", options_.length);
  require_positive("the stride of sequences", options_.stride);
  require_positive("the number of sequences in a batch", options_.batch);
  if (options_.batch > k_most_tokens / options_.length)
    throw bad_input("a batch of {} sequences of {} tokens; at most 2^31 tokens were expected",
                    options_.batch, options_.length);
  if (options_.epochs) require_positive("the number of epochs", *options_.epochs);
  if (options_.length >= tokens_.size())
    throw bad_input(
        "{}: it has {} tokens; a sequence of {} needs one more than that, its targets being "
        "shifted by one",
        whence_, tokens_.size(), options_.length);
  sequences_ = count_sequences(tokens_.size(), options_);
  if (options_.epochs) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    end_ = *options_.epochs > most / sequences_ ? most : *options_.epochs * sequences_;
  }
}

token_batch token_stream::next() {
  const std::int64_t left = end_ ? *end_ - position_ : options_.batch;
  token_batch batch{std::min(options_.batch, left), options_.length, {}, {}};
  const auto length = std::size_t(options_.length);
  batch.inputs.resize(std::size_t(batch.sequences) * length);
  batch.targets.resize(batch.inputs.size());
  for (std::int64_t row = 0; row < batch.sequences; ++row) {
    const std::int64_t first = first_token(position_++);
    const std::size_t at = std::size_t(row) * length;
    tokens_.copy(first, std::span(batch.inputs).subspan(at, length));
    tokens_.copy(first + 1, std::span(batch.targets).subspan(at, length));
  }
  return batch;
}

void token_stream::seek(std::int64_t position) {
  if (position < 0)
    throw bad_input("{}: position {}; sequences are counted from 0", whence_, position);
  if (end_ && position > *end_)
    throw bad_input("{}: position {}; {} epochs of {} sequences end at {}", whence_, position,
                    *options_.epochs, sequences_, *end_);
  position_ = position;
}

std::int64_t token_stream::first_token(std::int64_t position) {
  const std::int64_t now = position / sequences_;
  std::int64_t sequence = position % sequences_;
  if (options_.shuffle_seed) {
    if (!order_ || order_epoch_ != now)
      order_.emplace(sequences_, *options_.shuffle_seed, std::uint32_t(now)), order_epoch_ = now;
    sequence = (*order_)(sequence);
  }
  const std::int64_t last = tokens_.size() - options_.length - 1;
  return sequence > last / options_.stride ? last : sequence * options_.stride;
}

}  // namespace assay::gpt2

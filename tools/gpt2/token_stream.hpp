// A stream of tokens cut into sequences, for training and evaluation.
//
// Sequence w has the tokens w * stride to w * stride + length - 1 as inputs, and those one place
// further as targets: it needs length + 1 tokens. What is left at the end of the tokens is dropped,
// or kept as a last sequence that is moved back until it ends with the last token.
//
// An epoch is every sequence once, in order or in an order that seed and epoch fix. A batch takes
// the next sequences of that endless row; it may end one epoch and begin another. Where it is in
// that row is all that a stream remembers: `position` sequences were taken, and a stream at that
// position goes on as this one would.
#pragma once

#include "tools/gpt2/shuffle.hpp"
#include "tools/gpt2/token_source.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::gpt2 {

enum class last_sequence { dropped, moved_back };

struct stream_options {
  std::int64_t length = 0;  // T: tokens of a sequence
  std::int64_t stride = 0;  // from one sequence to the next; 0: length
  std::int64_t batch = 1;   // B: sequences of a batch
  std::optional<std::uint64_t> shuffle_seed = std::nullopt;  // none: in order
  std::optional<std::int64_t> epochs = std::nullopt;         // none: without end
  last_sequence last = last_sequence::dropped;
};

// Row-major [sequences, length].
struct token_batch {
  std::int64_t sequences = 0, length = 0;
  std::vector<std::int32_t> inputs, targets;
};

class token_stream {
 public:
  // `whence` stands in error messages. Throws bad_input where a length, a stride, ... is not
  // positive, or the tokens are too few for one sequence.
  token_stream(token_source tokens, const stream_options& options, const std::string& whence);

  // The next batch. It has options.batch sequences; after the last of the epochs asked for, fewer,
  // and then none.
  token_batch next();

  std::int64_t sequences() const { return sequences_; }  // of an epoch
  std::int64_t position() const { return position_; }
  std::int64_t epoch() const { return position_ / sequences_; }

  // Goes on as after `position` sequences. Throws bad_input where that is negative or beyond the
  // last epoch.
  void seek(std::int64_t position);

 private:
  std::int64_t first_token(std::int64_t position);

  token_source tokens_;
  stream_options options_;
  std::string whence_;
  std::int64_t sequences_ = 0, position_ = 0;
  std::optional<std::int64_t> end_;  // position after the last epoch
  std::optional<shuffle> order_;
  std::int64_t order_epoch_ = -1;
};

}  // namespace assay::gpt2

// GPT-2's pre-tokenization: text is cut into pieces (a word with the blank before it, a number, a
// run of punctuation, a run of white space, an English contraction), and no token crosses a border.
//
// Source: Radford et al. 2019, section 2.2, and the pattern published with it. `regex`, for which
// it was written, takes \s for Unicode's White_Space; PCRE2 also counts U+180E. Here those 25 code
// points are named one by one. Which code points are letters and numbers is what the PCRE2 at hand
// knows: Unicode 14 in 10.42; a code point assigned later is neither.
//
// Any bytes are text. Pieces are cut from the maximal well-formed stretches, each as if it stood
// alone; every byte between them is a piece of its own, and so, later, a token of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace assay::gpt2 {

// Keeps its working memory between calls: one object serves one thread at a time.
class pre_tokenizer {
 public:
  pre_tokenizer();
  ~pre_tokenizer();
  pre_tokenizer(pre_tokenizer&&) noexcept;
  pre_tokenizer& operator=(pre_tokenizer&&) noexcept;

  // Calls `take` with each piece, in order. The pieces are not empty and together are `text`.
  void split(std::string_view text, const std::function<void(std::string_view)>& take);
  std::vector<std::string_view> split(std::string_view text);

 private:
  struct matcher;
  std::unique_ptr<matcher> matcher_;
};

}  // namespace assay::gpt2

#include "tools/gpt2/pre_tokenizer.hpp"

#include "tools/gpt2/utf8.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <stdexcept>

namespace assay::gpt2 {
namespace {

std::string pattern() {
  // Inside a character class: White_Space of Unicode's PropList.txt (unchanged since Unicode 6.3).
  const std::string space =
      R"(\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
  return R"('(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\p{L}\p{N})" + space + "]+|[" + space +
         "]+(?![^" + space + "])|[" + space + "]+";
}

// Neither the pattern nor what it is given can make PCRE2 fail.
[[noreturn]] void fail(int code) {
  std::array<PCRE2_UCHAR, 256> message{};
  pcre2_get_error_message(code, message.data(), message.size());
  throw std::logic_error("PCRE2: " + std::string(reinterpret_cast<const char*>(message.data())));
}

struct freed {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

struct pre_tokenizer::matcher {
  std::unique_ptr<pcre2_code, freed> code;
  std::unique_ptr<pcre2_match_data, freed> data;

  matcher() {
    int error = 0;
    PCRE2_SIZE where = 0;
    const std::string text = pattern();
    code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                             PCRE2_UTF | PCRE2_ANCHORED, &error, &where, nullptr));
    if (!code) fail(error);
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where it cannot, it is interpreted
    data.reset(pcre2_match_data_create(1, nullptr));
    if (!data) throw std::bad_alloc();
  }

  // Where the piece that begins at `begin` ends. `stretch` is well-formed: checked once, not again
  // for every piece.
  std::size_t end_of_piece(std::string_view stretch, std::size_t begin) {
    const int found = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(stretch.data()),
                                  stretch.size(), begin, PCRE2_NO_UTF_CHECK, data.get(), nullptr);
    if (found < 0) fail(found);
    return pcre2_get_ovector_pointer(data.get())[1];
  }
};

pre_tokenizer::pre_tokenizer() : matcher_(std::make_unique<matcher>()) {}
pre_tokenizer::~pre_tokenizer() = default;
pre_tokenizer::pre_tokenizer(pre_tokenizer&&) noexcept = default;
pre_tokenizer& pre_tokenizer::operator=(pre_tokenizer&&) noexcept = default;

void pre_tokenizer::split(std::string_view text,
                          const std::function<void(std::string_view)>& take) {
  while (!text.empty()) {
    const std::string_view stretch = text.substr(0, well_formed_prefix(text));
    for (std::size_t begin = 0; begin < stretch.size();) {
      const std::size_t end = matcher_->end_of_piece(stretch, begin);
      take(stretch.substr(begin, end - begin));
      begin = end;
    }
    text.remove_prefix(stretch.size());
    if (text.empty()) return;
    take(text.substr(0, 1));
    text.remove_prefix(1);
  }
}

std::vector<std::string_view> pre_tokenizer::split(std::string_view text) {
  std::vector<std::string_view> pieces;
  split(text, [&](std::string_view piece) { pieces.push_back(piece); });
  return pieces;
}

}  // namespace assay::gpt2

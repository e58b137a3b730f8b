// What the tests of tools/gpt2 share.
#pragma once

#include "properties/atomic_file.hpp"
#include "properties/temporary_folder.hpp"
#include "properties/test/refusal.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <string_view>

namespace assay::gpt2::test {

// text.txt, and the vocabulary that was trained from it.
inline const std::string k_data = ASSAY_GPT2_TEST_DATA;
inline constexpr int k_data_size = 500;

using properties::refusal_of;

class in_folder : public testing::Test {
 protected:
  const std::string& folder() const { return folder_.path(); }
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::string write(const std::string& name, std::string_view contents) const {
    properties::write_file(path(name), contents);
    return path(name);
  }

 private:
  properties::temporary_folder folder_;
};

// Texts from what matters to a tokenizer: words, blanks of many kinds, apostrophes, numbers,
// characters of 2 to 4 bytes, parts of such characters, bytes that are in none.
inline rc::Gen<std::string> texts() {
  const auto fragment = rc::gen::weightedOneOf<std::string>(
      {{8, rc::gen::elementOf(std::vector<std::string>{"the", " the", "that", "is", "in", "we", "a",
                                                       "b", "aa", "é", "größ", "核", "Ядро"})},
       {4, rc::gen::elementOf(std::vector<std::string>{" ", "  ", "\n", "\t", "\r\n", "\u00A0",
                                                       "\u3000", "\u0085", "\u180E", "\u200B"})},
       {3, rc::gen::elementOf(std::vector<std::string>{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d",
                                                       "'", "'S", "’s"})},
       {2, rc::gen::elementOf(std::vector<std::string>{"1", "2048", "½", "Ⅷ", "٣"})},
       {2, rc::gen::elementOf(std::vector<std::string>{".", ", ", "--", "🙂", "👍🏽", "\u0301",
                                                       "<|endoftext|>", "<|", "|>"})},
       {1, rc::gen::elementOf(std::vector<std::string>{"\xC3", "\xE6\xA0", "\xF0\x9F\x99", "\x80",
                                                       "\xC0\xAF", "\xED\xA0\x80", "\xFF",
                                                       std::string(1, '\0')})}});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(fragment),
                      [](const std::vector<std::string>& fragments) {
                        std::string text;
                        for (const std::string& f : fragments) text += f;
                        return text;
                      });
}

// Any bytes at all.
inline rc::Gen<std::string> byte_strings() {
  return rc::gen::container<std::string>(
      rc::gen::map(rc::gen::inRange(0, 256), [](int byte) { return char(byte); }));
}

}  // namespace assay::gpt2::test

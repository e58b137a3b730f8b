#include "tools/gpt2/vocabulary.hpp"

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "tools/gpt2/byte_characters.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace assay::gpt2 {
namespace {

using nlohmann::json;

constexpr std::size_t k_most_bytes = std::size_t(1) << 30;
constexpr std::string_view k_version = "#version";

// A JSON text in quotes, all ASCII; what is not UTF-8 is replaced.
std::string quoted_spelling(std::string_view spelling) {
  return json(spelling).dump(-1, ' ', true, json::error_handler_t::replace);
}

// The entries of vocab.json as they stand in the file: a parsed JSON object would have dropped a
// name's first id where it stands twice.
class entries_reader : public nlohmann::json_sax<json> {
 public:
  explicit entries_reader(const std::string& whence) : whence_(whence) {}

  std::vector<std::pair<std::string, std::int32_t>> entries;

  bool start_object(std::size_t) override {
    if (inside_) refuse_value("an object");
    return inside_ = true;
  }
  bool end_object() override { return true; }
  bool key(std::string& name) override {
    name_ = std::move(name);
    return true;
  }
  bool number_unsigned(std::uint64_t id) override {
    if (!inside_) refuse_shape();
    if (id > std::uint64_t(std::numeric_limits<std::int32_t>::max()))
      refuse_value(std::to_string(id));
    entries.emplace_back(std::move(name_), std::int32_t(id));
    return true;
  }
  bool number_integer(std::int64_t id) override { refuse_value(std::to_string(id)); }
  bool number_float(double, const std::string& text) override { refuse_value(text); }
  bool null() override { refuse_value("null"); }
  bool boolean(bool value) override { refuse_value(value ? "true" : "false"); }
  bool string(std::string&) override { refuse_value("a text"); }
  bool binary(json::binary_t&) override { refuse_value("bytes"); }
  bool start_array(std::size_t) override { refuse_value("an array"); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception&) override {
    throw bad_input("{}: not JSON: byte {} cannot stand where it stands", whence_, at);
  }

 private:
  [[noreturn]] void refuse_shape() const {
    throw bad_input("{}: it must be a JSON object of tokens and their ids", whence_);
  }
  [[noreturn]] void refuse_value(const std::string& what) const {
    if (!inside_) refuse_shape();
    throw bad_input("{}: the id of token {} is {}, not an integer from 0 to 2^31 - 1", whence_,
                    quoted_spelling(name_), what);
  }

  const std::string& whence_;
  std::string name_;
  bool inside_ = false;
};

class parser {
 public:
  parser(const std::string& tokens_whence, const std::string& merges_whence)
      : tokens_whence_(tokens_whence), merges_whence_(merges_whence) {}

  vocabulary parse(std::string_view tokens, std::string_view merges) {
    read_tokens(tokens);
    check_bytes();
    read_merges(merges);
    return std::move(known_);
  }

 private:
  void read_tokens(std::string_view text) {
    entries_reader read(tokens_whence_);
    json::sax_parse(text, &read);
    const std::size_t count = read.entries.size();
    known_.tokens.resize(count);
    for (const auto& [spelling, id] : read.entries) {
      const auto bytes = bytes_of(spelling);
      if (!bytes || bytes->empty())
        throw bad_input("{}: token {} has {}", tokens_whence_, quoted_spelling(spelling),
                        bytes ? "no characters" : "a character that stands for no byte");
      if (!ids_.try_emplace(*bytes, id).second)
        throw bad_input("{}: token {} stands there twice", tokens_whence_,
                        quoted_spelling(spelling));
      if (std::size_t(id) >= count) continue;  // then another id is missing
      if (std::string& token = known_.tokens[std::size_t(id)]; token.empty())
        token = *bytes;
      else
        throw bad_input("{}: tokens {} and {} both have id {}", tokens_whence_, quoted_token(token),
                        quoted_token(*bytes), id);
    }
    for (std::size_t id = 0; id < count; ++id)
      if (known_.tokens[id].empty())
        throw bad_input("{}: no token has id {}; its {} tokens must have the ids 0 to {}",
                        tokens_whence_, id, count, count - 1);
  }

  void check_bytes() const {
    for (int byte = 0; byte < 256; ++byte)
      if (const std::string token(1, char(byte)); !ids_.contains(token))
        throw bad_input("{}: byte 0x{:02x} has no token; {} was expected", tokens_whence_, byte,
                        quoted_token(token));
  }

  void read_merges(std::string_view text) {
    std::set<std::pair<std::int32_t, std::int32_t>> seen;
    for (line_ = 1; !text.empty(); ++line_) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty() || (line_ == 1 && line.starts_with(k_version))) continue;
      const merge found = read_merge(line);
      if (!seen.emplace(found.left, found.right).second)
        refuse_line("the merge of {} and {} stands there twice", quoted_id(found.left),
                    quoted_id(found.right));
      known_.merges.push_back(found);
    }
  }

  merge read_merge(std::string_view line) const {
    const std::size_t blank = line.find(' ');
    if (blank == 0 || blank >= line.size() - 1 || line.find(' ', blank + 1) != line.npos)
      refuse_line("{} is not two tokens with a blank between", quoted_spelling(line));
    const std::int32_t left = id_in_line(line.substr(0, blank)),
                       right = id_in_line(line.substr(blank + 1));
    const std::string whole = known_.tokens[std::size_t(left)] + known_.tokens[std::size_t(right)];
    const auto found = ids_.find(whole);
    if (found == ids_.end())
      refuse_line("{} and {} merge to {}, which is no token of {}", quoted_id(left),
                  quoted_id(right), quoted_token(whole), tokens_whence_);
    return {left, right, found->second};
  }

  std::int32_t id_in_line(std::string_view spelling) const {
    const auto bytes = bytes_of(spelling);
    const auto found = bytes ? ids_.find(*bytes) : ids_.end();
    if (found == ids_.end())
      refuse_line("{} is no token of {}", quoted_spelling(spelling), tokens_whence_);
    return found->second;
  }

  std::string quoted_id(std::int32_t id) const {
    return quoted_token(known_.tokens[std::size_t(id)]);
  }

  template <class... Arguments>
  [[noreturn]] void refuse_line(fmt::format_string<Arguments...> what,
                                Arguments&&... arguments) const {
    throw bad_input("{}:{}: {}", merges_whence_, line_,
                    fmt::format(what, std::forward<Arguments>(arguments)...));
  }

  const std::string& tokens_whence_;
  const std::string& merges_whence_;
  vocabulary known_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::size_t line_ = 0;
};

std::string tokens_path(const std::string& folder) { return folder + "/vocab.json"; }
std::string merges_path(const std::string& folder) { return folder + "/merges.txt"; }

}  // namespace

std::string quoted_token(std::string_view token) { return quoted_spelling(spelled(token)); }

vocabulary parse_vocabulary(std::string_view tokens, const std::string& tokens_whence,
                            std::string_view merges, const std::string& merges_whence) {
  return parser(tokens_whence, merges_whence).parse(tokens, merges);
}

std::string print_tokens(const vocabulary& known) {
  std::string text = "{";
  for (std::size_t id = 0; id < known.tokens.size(); ++id)
    text +=
        fmt::format("{}\n{}: {}", id == 0 ? "" : ",", json(spelled(known.tokens[id])).dump(), id);
  return text + "\n}\n";
}

std::string print_merges(const vocabulary& known) {
  std::string text = fmt::format("{}: 0.2\n", k_version);
  for (const merge& m : known.merges)
    text += fmt::format("{} {}\n", spelled(known.tokens[std::size_t(m.left)]),
                        spelled(known.tokens[std::size_t(m.right)]));
  return text;
}

vocabulary read_vocabulary(const std::string& folder) {
  const std::string tokens_file = tokens_path(folder), merges_file = merges_path(folder);
  const std::string tokens = properties::read_file(tokens_file, k_most_bytes);
  const std::string merges = properties::read_file(merges_file, k_most_bytes);
  return parse_vocabulary(tokens, tokens_file, merges, merges_file);
}

void write_vocabulary(const std::string& folder, const vocabulary& known) {
  properties::write_file(tokens_path(folder), print_tokens(known));
  properties::write_file(merges_path(folder), print_merges(known));
}

}  // namespace assay::gpt2

#include "tools/gpt2/token_file.hpp"

#include "properties/bad_input.hpp"
#include "properties/safetensors.hpp"
#include "properties/staged_call.hpp"

#include <fmt/ranges.h>

#include <charconv>

namespace assay::gpt2 {
namespace {

const properties::stored_tensor& integers(const properties::tensor_file& file,
                                          const std::string& path, const char* name) {
  const properties::stored_tensor& found = file.at(name);
  if (found.type != dtype::int32)
    throw bad_input("'{}': tensor '{}' is {}; expected int32", path, name, name_of(found.type));
  if (found.shape.size() != 2)
    throw bad_input("'{}': tensor '{}' has shape {}; expected sequences and their tokens, [B, T]",
                    path, name, found.shape);
  return found;
}

std::vector<std::int64_t> numbers_in(const properties::stored_tensor& tensor) {
  const std::vector<double> values = properties::decoded(tensor.type, tensor.bytes);
  return {values.begin(), values.end()};
}

}  // namespace

token_file read_sequences(const std::string& path, bool with_targets) {
  const properties::tensor_file file = properties::read_safetensors(path);
  const properties::stored_tensor& tokens = integers(file, path, "tokens");
  token_file read{{numbers_in(tokens), tokens.shape[1]}, {}};
  if (!with_targets) return read;
  const properties::stored_tensor& targets = integers(file, path, "targets");
  if (targets.shape != tokens.shape)
    throw bad_input("'{}': tensor 'targets' has shape {}; expected {}, that of 'tokens'", path,
                    targets.shape, tokens.shape);
  read.targets = numbers_in(targets);
  return read;
}

reference::token_batch parsed_tokens(const std::string& text) {
  reference::token_batch all;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int64_t id = 0;
    const auto [stop, error] = std::from_chars(at, end, id);
    if (error != std::errc() || (stop != end && *stop != ','))
      throw bad_input("'{}' is no list of tokens, such as 15496,11,995", text);
    all.ids.push_back(id);
    if (stop == end) break;
    at = stop + 1;
  }
  all.length = std::int64_t(all.ids.size());
  return all;
}

token_file sequences_of(const token_options& from, bool with_targets) {
  if (from.file.empty() == from.ids.empty())
    throw bad_input("sequences are in a file or typed in: one of --tokens and --ids");
  if (from.ids.empty()) return read_sequences(from.file, with_targets);
  token_file typed{parsed_tokens(from.ids), {}};
  if (!with_targets) return typed;
  std::vector<std::int64_t>& ids = typed.tokens.ids;
  if (ids.size() < 2)
    throw bad_input("--ids {}: a token and its target are two at least", from.ids);
  typed.targets.assign(ids.begin() + 1, ids.end());
  ids.pop_back();
  typed.tokens.length -= 1;
  return typed;
}

void check_tokens(const reference::token_batch& tokens, const reference::gpt2_config& config) {
  if (config.positions && tokens.length > config.context)
    throw bad_input("a sequence has {} tokens; the context is {}", tokens.length, config.context);
  for (const std::int64_t id : tokens.ids)
    if (id < 0 || id >= config.vocabulary)
      throw bad_input("token {} is not in the vocabulary, 0 to {}", id, config.vocabulary - 1);
}

void check_targets(const std::vector<std::int64_t>& targets, const reference::gpt2_config& config) {
  for (const std::int64_t id : targets)
    if (id >= config.vocabulary)
      throw bad_input("target {} is not in the vocabulary, 0 to {}", id, config.vocabulary - 1);
}

}  // namespace assay::gpt2

#include "tools/gpt2/token_source.hpp"

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "properties/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace assay::gpt2 {
namespace {

static_assert(std::endian::native == std::endian::little, "token files are read as they lie");

constexpr std::size_t k_most_bytes = std::size_t(1) << 40;
constexpr std::int64_t k_at_once = 1 << 14;  // tokens

template <class Stored>
void widen(const char* bytes, std::span<std::int32_t> ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes + i * sizeof(Stored), sizeof(Stored));
    ids[i] = std::int32_t(stored);
  }
}

void check_ids(const token_source& source, const std::string& path, std::int64_t vocabulary_size) {
  std::vector<std::int32_t> ids(std::size_t(std::min(k_at_once, source.size())));
  for (std::int64_t first = 0; first < source.size(); first += k_at_once) {
    const std::int64_t count = std::min(k_at_once, source.size() - first);
    const auto some = std::span(ids).first(std::size_t(count));
    source.copy(first, some);
    for (std::size_t i = 0; i < some.size(); ++i)
      if (some[i] < 0 || some[i] >= vocabulary_size)
        throw bad_input("{}: token {} at place {} is outside the vocabulary, 0 to {}", path,
                        some[i], first + std::int64_t(i), vocabulary_size - 1);
  }
}

std::vector<std::byte> tokens_of_safetensors(const std::string& path) {
  properties::tensor_file file = properties::read_safetensors(path);
  const auto found = std::find_if(file.tensors.begin(), file.tensors.end(),
                                  [](const auto& t) { return t.name == "tokens"; });
  if (found == file.tensors.end()) throw bad_input("{}: there is no tensor 'tokens'", path);
  if (found->type != dtype::int32 || found->shape.size() != 1)
    throw bad_input("{}: the tensor 'tokens' must be int32 and have one dimension", path);
  return std::move(found->bytes);
}

}  // namespace

token_format format_of(const std::string& path) {
  constexpr std::array<std::pair<std::string_view, token_format>, 4> k_suffixes = {
      {{".uint16", token_format::uint16},
       {".bin", token_format::uint16},
       {".int32", token_format::int32},
       {".safetensors", token_format::safetensors}}};
  for (const auto& [suffix, format] : k_suffixes)
    if (path.ends_with(suffix)) return format;
  return token_format::text;
}

token_source::token_source(std::shared_ptr<const void> owner, std::string_view bytes,
                           std::size_t width)
    : owner_(std::move(owner)),
      bytes_(bytes.data()),
      width_(width),
      size_(std::int64_t(bytes.size() / width)) {}

token_source::token_source(std::vector<std::int32_t> ids)
    : width_(sizeof(std::int32_t)), size_(std::int64_t(ids.size())) {
  const auto kept = std::make_shared<const std::vector<std::int32_t>>(std::move(ids));
  owner_ = kept;
  bytes_ = reinterpret_cast<const char*>(kept->data());
}

void token_source::copy(std::int64_t first, std::span<std::int32_t> ids) const {
  const char* const from = bytes_ + std::size_t(first) * width_;
  if (width_ == sizeof(std::uint16_t))
    widen<std::uint16_t>(from, ids);
  else
    widen<std::int32_t>(from, ids);
}

token_source read_tokens(const std::string& path, token_format format,
                         std::int64_t vocabulary_size) {
  if (format == token_format::text)
    throw bad_input("{}: it is a text; a file of tokens was expected", path);
  const std::size_t width =
      format == token_format::uint16 ? sizeof(std::uint16_t) : sizeof(std::int32_t);
  std::shared_ptr<const void> owner;
  std::string_view bytes;
  if (format == token_format::safetensors) {
    const auto kept = std::make_shared<const std::vector<std::byte>>(tokens_of_safetensors(path));
    bytes = {reinterpret_cast<const char*>(kept->data()), kept->size()};
    owner = kept;
  } else {
    const auto kept = std::make_shared<const properties::mapped_file>(path, k_most_bytes);
    bytes = kept->contents();
    owner = kept;
  }
  if (bytes.size() % width != 0)
    throw bad_input("{}: its {} bytes are no whole number of tokens of {} bytes", path,
                    bytes.size(), width);
  token_source source(std::move(owner), bytes, width);
  check_ids(source, path, vocabulary_size);
  return source;
}

token_source read_text(const std::string& path, tokenizer& tokens, special_tokens special) {
  const properties::mapped_file file(path, k_most_bytes);
  if (special == special_tokens::recognized && !tokens.end_of_text())
    special = special_tokens::as_text;
  return token_source(tokens.encode(file.contents(), special));
}

}  // namespace assay::gpt2

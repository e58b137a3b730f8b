// What every floor above throws when a person or a file asked for something that cannot be: the
// message is one line that says what is wrong, where, and what was expected. The command prints it
// and exits with 2.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace assay {

class bad_input : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  template <class... Arguments>
  explicit bad_input(fmt::format_string<Arguments...> format, Arguments&&... arguments)
    requires(sizeof...(Arguments) > 0)
      : std::runtime_error(fmt::format(format, std::forward<Arguments>(arguments)...)) {}
};

}  // namespace assay

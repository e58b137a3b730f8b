#include "golden/store.hpp"

#include "golden/git.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>

namespace assay::golden {

using namespace properties;

namespace {

constexpr std::string_view k_accepted = ".safetensors", k_pending = ".new.safetensors";

// A component's name becomes a file's.
const std::string& checked_name(const std::string& component) {
  const bool good = !component.empty() && component[0] != '.' &&
                    component.find_first_of("/\\") == std::string::npos;
  if (!good) throw bad_input("'{}' is no component's name", component);
  return component;
}

void require_line(const std::string& reason) {
  const bool visible = std::any_of(reason.begin(), reason.end(), [](char c) { return c != ' '; });
  const bool one_line = std::none_of(reason.begin(), reason.end(), [](char c) {
    return static_cast<unsigned char>(c) < 32 || c == 127;
  });
  bool encoded = true;
  try {
    (void)nlohmann::json(reason).dump();
  } catch (const nlohmann::json::exception&) {
    encoded = false;  // not UTF-8
  }
  if (!visible || !one_line || !encoded)
    throw bad_input(
        "a reason is one line of text; this one is empty, has control characters, or is not UTF-8");
}

}  // namespace

std::string store::accepted_path(const std::string& component) const {
  return fmt::format("{}/{}{}", folder_, checked_name(component), k_accepted);
}

std::string store::pending_path(const std::string& component) const {
  return fmt::format("{}/{}{}", folder_, checked_name(component), k_pending);
}

std::optional<record> store::read(const std::string& path, const std::string& component) const {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, error))) return std::nullopt;
  record of = from_file(read_safetensors(path), path);
  if (of.component != component)
    throw bad_input("{}: it is the golden of '{}'", path, of.component);
  return of;
}

std::optional<record> store::accepted(const std::string& component) const {
  return read(accepted_path(component), component);
}

std::optional<record> store::pending(const std::string& component) const {
  return read(pending_path(component), component);
}

std::optional<record> store::at_revision(const std::string& revision,
                                         const std::string& component) const {
  require_commit(folder_, revision);
  const std::string file = checked_name(component) + std::string(k_accepted);
  const auto contents = git(folder_, {"show", revision + ":./" + file});
  if (!contents) return std::nullopt;
  return parse_record(*contents, fmt::format("{}:{}/{}", revision, folder_, file));
}

std::vector<std::string> store::components() const {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(folder_, error)) {
    const std::string file = each.path().filename().string();
    for (std::string_view suffix : {k_pending, k_accepted})
      if (file.ends_with(suffix) && file.size() > suffix.size()) {
        names.insert(file.substr(0, file.size() - suffix.size()));
        break;
      }
  }
  return {names.begin(), names.end()};
}

void store::write_pending(const record& of) const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  write_safetensors(pending_path(of.component), to_file(of));
}

void store::drop_pending(const std::string& component) const {
  std::error_code error;
  if (!std::filesystem::remove(pending_path(component), error) && error)
    throw bad_input("{}: cannot be removed: {}", pending_path(component), error.message());
}

void store::accept(const std::string& component, const std::string& reason) const {
  require_line(reason);
  std::optional<record> of = pending(component);
  if (!of) throw bad_input("{}: no golden waits there", pending_path(component));
  of->provenance["reason"] = reason;
  of->provenance["accepted"] = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  write_safetensors(accepted_path(component), to_file(*of));
  drop_pending(component);
}

std::string store::commit() const {
  std::error_code error;
  return commit_of(std::filesystem::is_directory(folder_, error) ? folder_ : ".");
}

std::optional<std::string> ci_variable() {
  for (const char* name : {"CI", "CONTINUOUS_INTEGRATION", "BUILDKITE", "GITHUB_ACTIONS",
                           "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD"}) {
    const char* const value = std::getenv(name);
    if (!value) continue;
    const std::string_view text = value;
    if (!text.empty() && text != "0" && text != "false") return fmt::format("{}={}", name, text);
  }
  return std::nullopt;
}

}  // namespace assay::golden

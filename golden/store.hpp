// The folder of goldens: NAME.safetensors is accepted, NAME.new.safetensors waits to be.
#pragma once

#include "golden/record.hpp"

#include <optional>
#include <string>
#include <vector>

namespace assay::golden {

class store {
 public:
  explicit store(std::string folder) : folder_(std::move(folder)) {}

  std::string accepted_path(const std::string& component) const;
  std::string pending_path(const std::string& component) const;

  // Nothing where there is no such file; throws bad_input where it is no golden of that component.
  std::optional<record> accepted(const std::string& component) const;
  std::optional<record> pending(const std::string& component) const;
  // The accepted one of a commit, from git. Throws bad_input where the folder is in no repository,
  // or `revision` is none of its commits.
  std::optional<record> at_revision(const std::string& revision,
                                    const std::string& component) const;

  // Components that have a file here, accepted or pending, in the order of the alphabet.
  std::vector<std::string> components() const;

  void write_pending(const record& of) const;
  void drop_pending(const std::string& component) const;
  // The pending one becomes the accepted one, with the reason and the day (UTC) in its provenance.
  void accept(const std::string& component, const std::string& reason) const;

  // The commit of the folder's repository: its hash, with "and changes" where files differ from it;
  // "unknown" where there is no repository, or no git.
  std::string commit() const;

 private:
  std::optional<record> read(const std::string& path, const std::string& component) const;

  std::string folder_;
};

// Does the environment say that this is a CI's job? Then its variable: nobody there looks at what
// is accepted.
std::optional<std::string> ci_variable();

}  // namespace assay::golden

// git, asked from outside: as a child process, without a shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace assay::golden {

// Standard output of `git -C FOLDER ...`; nothing where it failed, or there is no git.
std::optional<std::string> git(const std::string& folder,
                               const std::vector<std::string>& arguments);

// Throws bad_input where `revision` names no commit of the folder's repository.
void require_commit(const std::string& folder, const std::string& revision);

// HEAD's hash, with " and changes" where tracked files differ from it; "unknown" without any.
std::string commit_of(const std::string& folder);

}  // namespace assay::golden

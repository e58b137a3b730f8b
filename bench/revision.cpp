#include "bench/revision.hpp"

#include "bench/child_process.hpp"
#include "bench/resources.hpp"
#include "properties/bad_input.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

namespace assay::bench {
namespace {

namespace files = std::filesystem;

// What decides how fast a program is that the same source was built into.
constexpr const char* k_carried[] = {
    "CMAKE_BUILD_TYPE",        "CMAKE_TOOLCHAIN_FILE",        "CMAKE_C_COMPILER",
    "CMAKE_CXX_COMPILER",      "CMAKE_CXX_COMPILER_LAUNCHER", "CMAKE_CXX_FLAGS",
    "CMAKE_CXX_FLAGS_RELEASE", "CMAKE_EXE_LINKER_FLAGS",      "CMAKE_INTERPROCEDURAL_OPTIMIZATION",
};

struct build_tree {
  std::string source, generator;
  std::vector<std::string> settings;  // -DNAME:TYPE=VALUE
};

bool carried(const std::string& name) {
  if (name.rfind("ASSAY_", 0) == 0) return true;
  for (const char* each : k_carried)
    if (name == each) return true;
  return false;
}

bool on_path(const std::string& program) {
  try {
    output_of({program, "--version"});
    return true;
  } catch (const child_failed&) {
    return false;
  }
}

build_tree read_build_tree(const std::string& folder) {
  std::ifstream cache(files::path(folder) / "CMakeCache.txt");
  if (!cache)
    throw bad_input("'{}' is no build tree (it has no CMakeCache.txt); --build says where one is",
                    folder);
  build_tree tree;
  bool launcher = false;
  for (std::string line; std::getline(cache, line);) {
    const std::size_t colon = line.find(':'), equals = line.find('=');
    if (line.empty() || line[0] == '#' || line[0] == '/' || colon > equals ||
        equals == std::string::npos)
      continue;
    const std::string name = line.substr(0, colon), value = line.substr(equals + 1);
    if (name == "CMAKE_HOME_DIRECTORY") tree.source = value;
    if (name == "CMAKE_GENERATOR") tree.generator = value;
    if (!carried(name) || value.empty() || value.find("NOTFOUND") != std::string::npos) continue;
    launcher = launcher || name == "CMAKE_CXX_COMPILER_LAUNCHER";
    tree.settings.push_back("-D" + line);
  }
  if (tree.source.empty() || tree.generator.empty())
    throw bad_input("'{}/CMakeCache.txt' names no source folder or generator", folder);
  if (!launcher && on_path("ccache"))
    tree.settings.emplace_back("-DCMAKE_CXX_COMPILER_LAUNCHER:STRING=ccache");
  return tree;
}

std::string commit_of(const std::string& rev, const std::string& repository) {
  try {
    return output_of({"git", "-C", repository, "rev-parse", "--verify", "--quiet",
                      "--end-of-options", rev + "^{commit}"});
  } catch (const child_failed&) {
    throw bad_input("'{}' is no revision of the repository that this was built from", rev);
  }
}

// FNV-1a, to tell settings apart in a folder's name.
std::string digest(const build_tree& tree) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](const std::string& text) {
    for (const char c : text + "\n") hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  add(tree.generator);
  for (const std::string& each : tree.settings) add(each);
  return fmt::format("{:08x}", hash >> 32);
}

std::string text_of(const files::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A git worktree that goes away with this object.
class worktree {
 public:
  worktree(std::string repository, std::string path, const std::string& commit,
           const child_options& how)
      : repository_(std::move(repository)), path_(std::move(path)) {
    output_of({"git", "-C", repository_, "worktree", "add", "--quiet", "--detach", path_, commit},
              how);
  }
  worktree(const worktree&) = delete;
  worktree& operator=(const worktree&) = delete;
  ~worktree() {
    try {
      output_of({"git", "-C", repository_, "worktree", "remove", "--force", path_});
    } catch (const std::exception&) {  // what is left is a folder in the build tree
    }
  }

 private:
  std::string repository_, path_;
};

class removed_at_end {
 public:
  explicit removed_at_end(files::path path) : path_(std::move(path)) {}
  removed_at_end(const removed_at_end&) = delete;
  removed_at_end& operator=(const removed_at_end&) = delete;
  ~removed_at_end() {
    std::error_code error;
    files::remove_all(path_, error);
  }

 private:
  files::path path_;
};

void build_into(const files::path& part, const std::string& commit, const build_tree& tree,
                const revision_options& options, const std::string& name) {
  const child_options how{"", options.line, options.stop};
  const std::string source = (part / "source").string();
  // Where the build tree lies in its source tree, REV's does too: compilers see the same relative
  // paths, and ccache finds what it compiled before.
  const files::path inside =
      files::absolute(options.build).lexically_normal().lexically_relative(tree.source);
  const bool within = !inside.empty() && *inside.begin() != "..";
  setenv("CCACHE_BASEDIR", part.c_str(), 0);
  setenv("CCACHE_NOHASHDIR", "1", 0);
  const worktree checkout(tree.source, source, commit, how);
  // The project may be a folder of the repository.
  const std::string inner =
      output_of({"git", "-C", tree.source, "rev-parse", "--show-prefix"}, {"", {}, options.stop});
  const std::string build =
      (within ? files::path(source) / inner / inside : part / "build").string();
  std::vector<std::string> configure = {
      "cmake", "-S", (files::path(source) / inner).string(), "-B", build, "-G", tree.generator};
  configure.insert(configure.end(), tree.settings.begin(), tree.settings.end());
  output_of(configure, how);
  output_of({"cmake", "--build", build, "--target", options.target}, how);
  if (const std::string reports = resource_reports(build); !reports.empty())
    std::ofstream(part / (name + ".ptxas")) << reports;
  files::copy_file(files::path(build) / options.target, part / name);
}

}  // namespace

std::string build_here(const revision_options& options) {
  read_build_tree(options.build);
  output_of({"cmake", "--build", options.build, "--target", options.target},
            {"", options.line, options.stop});
  return (files::path(options.build) / options.target).string();
}

built_revision build_revision(const std::string& rev, const revision_options& options) {
  const build_tree tree = read_build_tree(options.build);
  const std::string commit = commit_of(rev, tree.source);
  const files::path all = files::absolute(files::path(options.build)) / "against";
  const std::string name =
      fmt::format("{}-{}-{}", options.target, commit.substr(0, 16), digest(tree));
  const files::path program = all / name;
  const files::path reports = all / (name + ".ptxas");
  if (files::exists(program)) return {commit, program.string(), text_of(reports)};
  const files::path part = all / fmt::format("part-{}", getpid());
  const removed_at_end cleaned(part);
  files::create_directories(part);
  build_into(part, commit, tree, options, name);
  if (const files::path made = part / (name + ".ptxas"); files::exists(made))
    files::rename(made, reports);
  files::rename(part / name, program);
  return {commit, program.string(), text_of(reports)};
}

}  // namespace assay::bench

#include "properties/atomic_file.hpp"

#include "properties/bad_input.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace assay::properties {
namespace {

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail(const char* what, const std::string& path) {
  throw bad_input("{}: cannot be {}: {}", path, what, std::strerror(errno));
}

bool write_all(int file, std::span<const std::byte> contents) {
  while (!contents.empty()) {
    const ssize_t written = write(file, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    contents = contents.subspan(std::size_t(written));
  }
  return true;
}

// Where a symbolic link leads, so that the link stays one.
std::string resolved(const std::string& path) {
  char* const real = realpath(path.c_str(), nullptr);
  if (!real) return path;
  std::string target = real;
  std::free(real);
  return target;
}

// A device or a pipe is written to as it is: renaming a file into its place would take it away.
bool write_through(const std::string& path, std::span<const std::byte> contents) {
  const descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.number() >= 0 && write_all(file.number(), contents);
}

bool replace(const std::string& path, std::span<const std::byte> contents) {
  std::string temporary = path + ".XXXXXX";
  const descriptor file(mkstemp(temporary.data()));
  if (file.number() < 0) return false;
  const mode_t mask = umask(0);
  umask(mask);
  const bool good = fchmod(file.number(), 0666 & ~mask) == 0 &&
                    write_all(file.number(), contents) && fsync(file.number()) == 0 &&
                    std::rename(temporary.c_str(), path.c_str()) == 0;
  if (good) return true;
  const int why = errno;
  unlink(temporary.c_str());
  errno = why;
  return false;
}

// A regular file opened for reading. A pipe without a writer must not keep anyone waiting.
descriptor opened(const std::string& path, std::size_t most, std::size_t& size) {
  const int number = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (number < 0) fail("read", path);
  descriptor file(number);
  struct stat about {};
  if (fstat(number, &about) != 0) fail("read", path);
  if (!S_ISREG(about.st_mode)) throw bad_input("{}: cannot be read: it is not a file", path);
  size = std::size_t(about.st_size);
  if (size > most) throw bad_input("{}: it has {} bytes; at most {} are read", path, size, most);
  return file;
}

}  // namespace

void write_file(const std::string& path, std::span<const std::byte> contents) {
  const std::string target = resolved(path);
  struct stat about {};
  const bool is_special = stat(target.c_str(), &about) == 0 && !S_ISREG(about.st_mode);
  if (!(is_special ? write_through(target, contents) : replace(target, contents)))
    fail("written", path);
}

void write_file(const std::string& path, std::string_view contents) {
  write_file(path, std::as_bytes(std::span(contents)));
}

std::string read_file(const std::string& path, std::size_t most) {
  std::size_t size = 0;
  const descriptor file = opened(path, most, size);
  std::string contents(size, '\0');
  std::size_t have = 0;
  while (have < contents.size()) {
    const ssize_t got = read(file.number(), contents.data() + have, contents.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path);
    if (got == 0) break;
    have += std::size_t(got);
  }
  contents.resize(have);
  return contents;
}

mapped_file::mapped_file(const std::string& path, std::size_t most) {
  std::size_t size = 0;
  const descriptor file = opened(path, most, size);
  if (size == 0) return;  // an empty range cannot be mapped
  void* const memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (memory == MAP_FAILED) fail("read", path);
  contents_ = {static_cast<const char*>(memory), size};
}

mapped_file::~mapped_file() {
  if (!contents_.empty()) munmap(const_cast<char*>(contents_.data()), contents_.size());
}

}  // namespace assay::properties

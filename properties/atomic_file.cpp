#include "properties/atomic_file.hpp"

#include "properties/bad_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace assay::properties {
namespace {

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
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
  throw bad_input("cannot {} '{}': {}", what, path, std::strerror(errno));
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

}  // namespace

void write_file(const std::string& path, std::span<const std::byte> contents) {
  std::string temporary = path + ".XXXXXX";
  const descriptor file(mkstemp(temporary.data()));
  if (file.number() < 0) fail("write", path);
  const mode_t mask = umask(0);
  umask(mask);
  const bool good = fchmod(file.number(), 0666 & ~mask) == 0 &&
                    write_all(file.number(), contents) && fsync(file.number()) == 0 &&
                    std::rename(temporary.c_str(), path.c_str()) == 0;
  if (good) return;
  const int why = errno;
  unlink(temporary.c_str());
  errno = why;
  fail("write", path);
}

void write_file(const std::string& path, std::string_view contents) {
  write_file(path, std::as_bytes(std::span(contents)));
}

std::string read_file(const std::string& path, std::size_t most) {
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (file.number() < 0 || fstat(file.number(), &about) != 0) fail("read", path);
  if (!S_ISREG(about.st_mode)) throw bad_input("cannot read '{}': not a file", path);
  if (std::size_t(about.st_size) > most)
    throw bad_input("'{}' holds {} bytes; at most {} are read", path, about.st_size, most);
  std::string contents(std::size_t(about.st_size), '\0');
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

}  // namespace assay::properties

#include "tools/assay/terminal.hpp"

#include "tools/assay/exit_code.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace assay::tools {
namespace {

bool g_color = false;
volatile std::sig_atomic_t g_interrupted = 0;
std::string g_program = "assay";

bool is_number(const std::string& cell) {
  return !cell.empty() &&
         (std::isdigit(static_cast<unsigned char>(cell[0])) || cell[0] == '-' || cell == "inf");
}

}  // namespace

void choose_color(color_choice choice) {
  const bool wanted = !std::getenv("NO_COLOR") && isatty(STDOUT_FILENO);
  g_color = choice == color_choice::always || (choice == color_choice::automatic && wanted);
}

std::string painted(tone how, std::string_view text) {
  if (!g_color || how == tone::plain) return std::string(text);
  const char* const code = how == tone::good ? "32" : how == tone::bad ? "1;31" : "2";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void complain(std::string_view what) {
  constexpr std::size_t k_longest = 2000;
  std::string line;
  for (char c : what.substr(0, k_longest)) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 32 || code == 127)
      line += c == '\n' ? "\\n" : fmt::format("\\x{:02x}", code);
    else
      line += c;
  }
  fmt::print(stderr, "{}: {}{}\n", g_program, line, what.size() > k_longest ? "..." : "");
}

void name_program(std::string name) { g_program = std::move(name); }

table::table(std::vector<std::string> header) : rows_{std::move(header)}, tones_{tone::faint} {}

void table::add(std::vector<std::string> row, tone how) {
  row.resize(rows_[0].size());
  rows_.push_back(std::move(row));
  tones_.push_back(how);
}

std::string table::text() const {
  std::vector<std::size_t> widths(rows_[0].size());
  std::vector<bool> right(rows_[0].size(), rows_.size() > 1);
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (std::size_t c = 0; c < widths.size(); ++c) {
      widths[c] = std::max(widths[c], rows_[r][c].size());
      if (r > 0) right[c] = right[c] && (rows_[r][c].empty() || is_number(rows_[r][c]));
    }
  std::string all;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < widths.size(); ++c) {
      const std::string gap = c ? "  " : "";
      line += right[c] ? fmt::format("{}{:>{}}", gap, rows_[r][c], widths[c])
                       : fmt::format("{}{:<{}}", gap, rows_[r][c], widths[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    all += painted(tones_[r], line) + "\n";
  }
  return all;
}

progress::progress(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(total),
      on_terminal_(isatty(STDERR_FILENO)),
      begun_(std::chrono::steady_clock::now()),
      shown_(begun_) {}

progress::~progress() { clear(); }

void progress::clear() {
  if (on_terminal_ && width_) fmt::print(stderr, "\r{:{}}\r", "", width_);
  width_ = 0;
}

void progress::show(std::uint64_t done, std::string_view note) {
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ <
      (on_terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(30000)))
    return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - begun_).count();
  const double left = done ? seconds * double(total_ - done) / double(done) : 0;
  const std::string line =
      fmt::format("{} {}/{} ({:.0f} %), {:.0f} s left{}{}", what_, done, total_,
                  100.0 * double(done) / double(total_), left, note.empty() ? "" : ", ", note);
  if (!on_terminal_) return fmt::print(stderr, "{}\n", line);
  clear();
  width_ = line.size();
  fmt::print(stderr, "\r{}", line);
  std::fflush(stderr);
}

void watch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted = 1; };
  action.sa_flags = int(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return g_interrupted != 0; }

void end_on_crash_or_alarm_of(const std::string& what) {
  static std::string line;
  line = fmt::format("assay: {}: the kernel crashed or did not end (signal ", what);
  struct sigaction action {};
  action.sa_handler = [](int signal) {  // nothing but async-signal-safe calls
    const char end[] = {char('0' + signal / 10), char('0' + signal % 10), ')', '\n'};
    const bool told = write(STDERR_FILENO, line.data(), line.size()) >= 0 &&
                      write(STDERR_FILENO, end, sizeof end) >= 0;
    _exit(told ? k_crashed : k_internal);
  };
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGALRM})
    sigaction(signal, &action, nullptr);
}

}  // namespace assay::tools

// What a person sees: colour where it is wanted, progress on standard error, tables.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::tools {

enum class color_choice { automatic, always, never };
enum class tone { plain, good, bad, faint };

// NO_COLOR (any value) and an output that is no terminal turn colour off, unless it is asked for.
void choose_color(color_choice choice);
std::string painted(tone how, std::string_view text);

// "assay: WHAT" on standard error, as one line whatever WHAT holds: it may quote a hostile file.
// The name in front is the program's, assay unless it said otherwise.
void complain(std::string_view what);
void name_program(std::string name);

// Rows of cells under a header; columns as wide as they need, numbers to the right.
class table {
 public:
  explicit table(std::vector<std::string> header);
  void add(std::vector<std::string> row, tone how = tone::plain);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<tone> tones_;
};

// One line on standard error that is written over, at most ten times a second; nothing where
// standard error is no terminal, but for a line now and then in long runs.
class progress {
 public:
  progress(std::string what, std::uint64_t total);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  void show(std::uint64_t done, std::string_view note = "");

 private:
  void clear();

  std::string what_;
  std::uint64_t total_;
  bool on_terminal_;
  std::size_t width_ = 0;
  std::chrono::steady_clock::time_point begun_, shown_;
};

// Set by SIGINT and SIGTERM once watch_interrupts() was called: long work ends at the next safe
// point. A second signal ends the process at once.
void watch_interrupts();
bool interrupted();

// A kernel that crashes in this very process, or outlives an alarm(), ends it with k_crashed and
// one line that names `what`.
void end_on_crash_or_alarm_of(const std::string& what);

}  // namespace assay::tools

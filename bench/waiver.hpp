// Waivers: benchmarks that may be slower for a while, and why. One line of JSON each, in a file
// that is reviewed with the code.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace assay::bench {

using date = std::chrono::year_month_day;

date today();  // UTC
// "2026-12-31"; throws bad_input for what is no date of the calendar.
date parse_date(const std::string& text);
std::string print(date day);

struct waiver {
  std::string id;  // the benchmark's name, as `assay bench` prints it
  std::string reason;
  date until;  // its last day
};

class waivers {
 public:
  waivers() = default;
  // Throws bad_input, with the line, for what is no waiver; a file that is not there holds none.
  static waivers read(const std::string& path);
  static waivers parse(const std::string& text, const std::string& from);

  // Replaces one of the same id.
  void add(waiver added);
  void write(const std::string& path) const;

  // The waiver of a benchmark that holds on that day.
  const waiver* holding(const std::string& id, date day) const;
  // What a person should be told: waivers that expired, and those of benchmarks that none of
  // `known` is.
  std::vector<std::string> complaints(const std::vector<std::string>& known, date day) const;
  const std::vector<waiver>& all() const { return all_; }

 private:
  std::vector<waiver> all_;
};

}  // namespace assay::bench

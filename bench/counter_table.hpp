// What the sanitized emulator counts of every implementation on a fixed set of small cases, against
// the figures that were accepted: a kernel that starts to move more bytes is noticed without a GPU.
//
// The accepted figures stand in bench/counters/COMPONENT.jsonl, a line an entry, sorted by id:
// {"id": run id, counters that are not 0, "why": the reason of the last change}.
#pragma once

#include "optimized/simt/counters.hpp"
#include "properties/case.hpp"
#include "properties/contract.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay::bench {

// Of the largest tensor that has the first dimension. Larger cases repeat what these count.
inline constexpr std::int64_t k_most_counted_elements = 1100;

// Of a contract: its cases up to that size, on the emulator, by every implementation that takes
// them.
std::vector<properties::run_id> counted_runs(const properties::contract& c);

// The counters of one run; throws simt::error where the kernel fails.
simt::counters count(const properties::run_id& id);

// Every counter's name with its value, in the order of counters.hpp.
std::vector<std::pair<std::string, std::uint64_t>> named(const simt::counters& all);
// What differs: "global_load_bytes 4096 -> 8192, barriers 2 -> 1"; empty where nothing does.
std::string difference(const simt::counters& before, const simt::counters& after);

struct accepted_counters {
  simt::counters counted;
  std::string why;
};
// By run id.
using counter_table = std::map<std::string, accepted_counters>;

// Throws bad_input, with the line, for what is no such table. A file that is not there is an empty
// one.
counter_table read_counters(const std::string& path);
counter_table parse_counters(const std::string& text, const std::string& from);
std::string to_text(const counter_table& table);

// One run against its entry.
struct counter_change {
  std::string id;
  std::optional<simt::counters> accepted, now;  // empty: no entry; no such run any more
  std::string told() const;                     // one line
};

// What differs between a table and the given counts, which are of everything it should hold.
std::vector<counter_change> changes(const counter_table& accepted,
                                    const std::map<std::string, simt::counters>& now);

// The table after `reason` made the changes good; entries that did not change keep theirs.
counter_table accept(counter_table table, const std::vector<counter_change>& changed,
                     const std::string& reason);

// The component of a run id's text.
std::string component_of(const std::string& id);

}  // namespace assay::bench

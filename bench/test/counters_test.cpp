// What every kernel moves, exactly, against what was accepted (bench/counters).

#include "bench/counter_table.hpp"
#include "properties/bad_input.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace assay::bench {
namespace {

std::vector<std::string> components() {
  std::set<std::string> names;
  for (const properties::contract& c : properties::contracts()) names.insert(c.component);
  return {names.begin(), names.end()};
}

class accepted_counters_of : public testing::TestWithParam<std::string> {};

TEST_P(accepted_counters_of, are_what_the_kernels_count) {
  std::map<std::string, simt::counters> now;
  for (const properties::contract& c : properties::contracts()) {
    if (c.component != GetParam()) continue;
    for (const properties::implementation& by : c.implementations) {
      std::size_t counted = 0;
      for (const properties::run_id& id : counted_runs(c)) {
        if (id.implementation != by.name) continue;
        now[properties::print(id)] = count(id);
        ++counted;
      }
      EXPECT_GT(counted, 0u) << c.function() << " " << by.name << " is counted nowhere";
    }
  }
  const counter_table accepted =
      read_counters(std::string(ASSAY_COUNTERS) + "/" + GetParam() + ".jsonl");
  for (const counter_change& each : changes(accepted, now))
    ADD_FAILURE() << each.told() << "\n  if that is meant: assay bench counters " << GetParam()
                  << " --accept --reason '...'";
}

INSTANTIATE_TEST_SUITE_P(every, accepted_counters_of, testing::ValuesIn(components()),
                         [](const auto& tested) { return tested.param; });

TEST(accepted_counters, are_of_components_that_there_are) {
  const std::vector<std::string> names = components();
  for (const auto& file : std::filesystem::directory_iterator(ASSAY_COUNTERS))
    EXPECT_EQ(std::count(names.begin(), names.end(), file.path().stem()), 1) << file.path();
}

TEST(counter_table, comes_back_as_it_was_written) {
  simt::counters some;
  some.global_load_bytes = 4096, some.collectives = 3;
  const counter_table table = {{"v1/a.b.fwd/x", {some, "a \"reason\""}},
                               {"v1/a.b.bwd/x", {{}, "r"}}};
  const std::string text = to_text(table);
  EXPECT_EQ(text,
            "{\"id\":\"v1/a.b.bwd/x\",\"why\":\"r\"}\n"
            "{\"id\":\"v1/a.b.fwd/x\",\"global_load_bytes\":4096,\"collectives\":3,"
            "\"why\":\"a \\\"reason\\\"\"}\n");
  const counter_table again = parse_counters(text, "f");
  EXPECT_EQ(to_text(again), text);
  EXPECT_EQ(again.at("v1/a.b.fwd/x").counted, some);
}

TEST(counter_table, that_is_none_is_refused_with_the_line) {
  for (const char* wrong :
       {"7", "{}", "{\"id\":\"a\",\"bytes\":1}", "{\"id\":\"a\",\"barriers\":-1}",
        "{\"id\":\"a\",\"barriers\":\"1\"}", "{\"id\":\"good\"}"})
    EXPECT_THROW(parse_counters("{\"id\":\"good\"}\n" + std::string(wrong), "f"), bad_input)
        << wrong;
}

TEST(counter_changes, tell_which_counter_before_and_after) {
  simt::counters was, is;
  was.global_load_bytes = 4096, was.barriers = 2;
  is = was;
  is.global_load_bytes = 8192;
  const counter_table table = {{"same", {was, "r"}}, {"more", {was, "r"}}, {"gone", {was, "r"}}};
  const std::map<std::string, simt::counters> now = {{"same", was}, {"more", is}, {"new", is}};
  const std::vector<counter_change> all = changes(table, now);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].told(), "more: global_load_bytes 4096 -> 8192");
  EXPECT_EQ(all[1].told(), "new: it has no accepted counters");
  EXPECT_EQ(all[2].told(), "gone: accepted counters of a run that is not there");
  const counter_table after = accept(table, all, "meant");
  EXPECT_TRUE(changes(after, now).empty());
  EXPECT_EQ(after.at("same").why, "r");
  EXPECT_EQ(after.at("more").why, "meant");
  EXPECT_EQ(after.count("gone"), 0u);
}

}  // namespace
}  // namespace assay::bench

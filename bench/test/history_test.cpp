#include "bench/history.hpp"

#include "properties/bad_input.hpp"
#include "properties/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace assay::bench {
namespace {

namespace files = std::filesystem;
using nlohmann::json;

class history : public testing::Test {
 protected:
  static record of(const std::string& benchmark, const std::string& time) {
    return {"a-machine", benchmark, time, {1.25e-3, 1.5e-3}, {{"machine", {{"cpu", "c"}}}}};
  }
  std::string contents(const std::string& file) const {
    std::ifstream stream(folder + "/" + file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::string& file, const std::string& text) const {
    files::create_directories(files::path(folder + "/" + file).parent_path());
    std::ofstream(folder + "/" + file) << text;
  }

  const properties::temporary_folder own;
  const std::string folder = own.path();
};

TEST_F(history, is_appended_to_a_line_a_record_and_a_file_a_month) {
  append(folder, {of("b", "2026-11-30T23:59:59Z"), of("a", "2026-12-01T00:00:00Z")});
  const std::string first = contents("a-machine/2026-11.jsonl");
  append(folder, {of("c", "2026-11-30T23:59:59Z")});
  const std::string second = contents("a-machine/2026-11.jsonl");
  EXPECT_EQ(second.substr(0, first.size()), first);
  EXPECT_EQ(std::count(second.begin(), second.end(), '\n'), 2);
  EXPECT_EQ(json::parse(first).at("seconds"), (std::vector<double>{1.25e-3, 1.5e-3}));
  const std::vector<record> all = read_history(folder);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].benchmark, "a");
  EXPECT_EQ(all[0].machine, "a-machine");
  EXPECT_EQ(all[0].seconds, of("a", "").seconds);
  EXPECT_EQ(all[0].context.at("machine").at("cpu"), "c");
}

TEST_F(history, holds_a_record_once) {
  EXPECT_EQ(append(folder, {of("b", "2026-11-30T23:59:59Z")}).size(), 1u);
  EXPECT_TRUE(append(folder, {of("b", "2026-11-30T23:59:59Z")}).empty());
  // As after a merge: in another order, and one line twice.
  append(folder, {of("b", "2026-11-29T00:00:00Z")});
  const std::string text = contents("a-machine/2026-11.jsonl");
  write("a-machine/2026-11.jsonl", text + text);
  const std::vector<record> all = read_history(folder);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].time, "2026-11-29T00:00:00Z");
}

TEST_F(history, that_is_none_is_refused_with_the_line) {
  const std::string good =
      "{\"benchmark\":\"b\",\"time\":\"2026-11-30T23:59:59Z\",\"seconds\":[1]}\n";
  for (const char* wrong :
       {"x", "{}", "{\"benchmark\":\"b\",\"time\":\"yesterday\",\"seconds\":[1]}",
        "{\"benchmark\":\"b\",\"time\":\"2026-11-30T23:59:59Z\",\"seconds\":[]}",
        "{\"benchmark\":\"b\",\"time\":\"2026-11-30T23:59:59Z\",\"seconds\":[0]}"}) {
    write("m/2026-11.jsonl", good + wrong + "\n");
    try {
      read_history(folder);
      ADD_FAILURE() << wrong;
    } catch (const bad_input& refused) {
      EXPECT_NE(std::string(refused.what()).find("2026-11.jsonl', line 2"), std::string::npos)
          << refused.what();
    }
  }
  EXPECT_TRUE(read_history(folder + "/none").empty());
}

TEST_F(history, is_made_of_results_that_say_where_and_when) {
  results all;
  all.benchmarks = {{"b/manual_time", {1e-3, 2e-3}, "", {}}, {"c", {}, "wrong", {}}};
  EXPECT_THROW(records_of(all, "f"), bad_input);
  all.context["assay"] = {{"machine_name", "../escape"}, {"time", "2026-11-30T23:59:59Z"}};
  EXPECT_THROW(records_of(all, "f"), bad_input);
  all.context["assay"]["machine_name"] = "m-2-cores";
  const std::vector<record> records = records_of(all, "f");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].benchmark, "b");
  EXPECT_EQ(records[0].seconds, (std::vector<double>{1e-3, 2e-3}));
}

TEST(sparkline, spans_from_the_least_to_the_largest) {
  EXPECT_EQ(sparkline({1, 2, 1.5}), "▁█▅");
  EXPECT_EQ(sparkline({3, 3}), "▁▁");
  EXPECT_EQ(sparkline({}), "");
}

}  // namespace
}  // namespace assay::bench

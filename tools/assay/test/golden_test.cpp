// assay golden, from outside: what waits, what is accepted, what is refused.

#include "golden/git.hpp"
#include "golden/record.hpp"
#include "properties/staged_call.hpp"
#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace assay::tools::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using words = std::vector<std::string>;

// The suite may itself run in CI.
const words k_no_ci = {"CI=",        "CONTINUOUS_INTEGRATION=",
                       "BUILDKITE=", "GITHUB_ACTIONS=",
                       "GITLAB_CI=", "JENKINS_URL=",
                       "TF_BUILD=",  "TEAMCITY_VERSION="};

class golden_command : public command {
 protected:
  ended golden(words arguments, const how& with = {.environment = k_no_ci}) const {
    arguments.insert(arguments.begin(), "golden");
    return assay(arguments, with);
  }
  void accept(const std::string& name) const {
    ASSERT_EQ(golden({"update", name}).code, 4);
    ASSERT_EQ(golden({"accept", name, "--reason", "the first"}).code, 0);
  }
  // Rewrites a golden as someone would who also knows the format.
  template <class Change>
  void rewrite(const std::string& file, Change change) const {
    assay::golden::record of = assay::golden::parse_record(contents(file), file);
    change(of);
    write(file, properties::print_safetensors(to_file(of)));
  }
  // One element of the first fp32 output moves by an ULP.
  static void move_one(assay::golden::record& of) {
    for (auto& each : of.cases)
      for (auto& t : each.tensors)
        if (t.name == "y" && t.type == dtype::fp32 && each.id.distribution.name == "normal") {
          t.bytes[4] ^= std::byte(1);
          return;
        }
  }
  std::vector<std::string> goldens() const {
    std::vector<std::string> names;
    for (const auto& each : std::filesystem::directory_iterator(path("golden")))
      names.push_back(each.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(golden_command, the_first_one_waits_until_it_is_accepted) {
  const ended made = golden({"update", "relu"});
  EXPECT_EQ(made.code, 4);
  EXPECT_THAT(made.out, HasSubstr("relu: 18 cases, new, waits in golden/relu.new.safetensors"));
  EXPECT_THAT(goldens(), ElementsAre("relu.new.safetensors"));
  EXPECT_EQ(golden({"verify", "relu"}).code, 4);
  EXPECT_EQ(golden({"accept", "relu", "--reason", "the first"}).code, 0);
  EXPECT_THAT(goldens(), ElementsAre("relu.safetensors"));
  const ended verified = golden({"verify", "relu", "--json"});
  EXPECT_EQ(verified.code, 0) << verified.out;
  EXPECT_EQ(verified.json().at(0).at("outcome"), "verified");
  EXPECT_EQ(verified.json().at(0).at("cases"), 18);
  EXPECT_GE(verified.json().at(0).at("runs"), 18);
  const ended shown = golden({"show", "golden/relu.safetensors"});
  EXPECT_THAT(shown.out, StartsWith("golden of relu\n"));
  EXPECT_THAT(shown.out, HasSubstr("reason: the first\n"));
  EXPECT_THAT(shown.out, HasSubstr("commit: unknown\n"));
  EXPECT_THAT(shown.out, HasSubstr("accepted: 20"));
}

TEST_F(golden_command, nothing_is_written_where_nothing_changed) {
  accept("relu");
  const std::string before = contents("golden/relu.safetensors");
  EXPECT_EQ(golden({"update", "relu"}).code, 0);
  EXPECT_THAT(goldens(), ElementsAre("relu.safetensors"));
  EXPECT_EQ(contents("golden/relu.safetensors"), before);
  EXPECT_EQ(golden({"diff"}).code, 0);
}

TEST_F(golden_command, a_change_is_told_and_waits_beside_what_was_accepted) {
  accept("relu");
  rewrite("golden/relu.safetensors", move_one);
  const std::string before = contents("golden/relu.safetensors");
  const ended red = golden({"verify", "relu"});
  EXPECT_EQ(red.code, 1) << red.out;  // no kernel gives what this golden says
  EXPECT_THAT(red.out, HasSubstr("is not what the reference gives: 1 changes"));
  EXPECT_EQ(golden({"update", "relu"}).code, 4);
  EXPECT_EQ(contents("golden/relu.safetensors"), before);
  const ended told = golden({"diff", "--json"});
  EXPECT_EQ(told.code, 4);
  const auto change = told.json().at(0).at("changes").at(0);
  EXPECT_EQ(change.at("changed"), "reference");
  EXPECT_EQ(change.at("moved"), 1);
  EXPECT_EQ(change.at("elements"), 32);
  EXPECT_EQ(change.at("worst"), 1);
  EXPECT_EQ(change.at("before").size(), 3u);
  EXPECT_EQ(change.at("kernels").at(0).at("before"), "inf");
  EXPECT_EQ(change.at("kernels").at(0).at("after"), 0);
  EXPECT_THAT(golden({"diff", "--markdown"}).out,
              HasSubstr("| reference | 1 of 32 moved, by up to"));
  EXPECT_THAT(golden({"diff"}).out, HasSubstr("y  reference: 1 of 32 moved, by up to"));
  EXPECT_EQ(golden({"reject", "relu"}).code, 0);
  EXPECT_THAT(goldens(), ElementsAre("relu.safetensors"));
}

TEST_F(golden_command, one_that_waits_makes_verify_red_though_all_else_is_good) {
  accept("relu");
  std::filesystem::copy_file(path("golden/relu.safetensors"), path("golden/relu.new.safetensors"));
  const ended red = golden({"verify", "relu"});
  EXPECT_EQ(red.code, 4);
  EXPECT_THAT(red.out, HasSubstr("golden/relu.new.safetensors waits"));
}

TEST_F(golden_command, nothing_is_accepted_in_ci) {
  ASSERT_EQ(golden({"update", "relu"}).code, 4);
  for (const char* variable : {"CI=true", "CI=1", "GITHUB_ACTIONS=true", "JENKINS_URL=http://ci"}) {
    words environment = k_no_ci;
    environment.emplace_back(variable);
    const how in_ci{.environment = environment};
    expect_refused(golden({"accept", "relu", "--reason", "it is red"}, in_ci), "not in CI");
  }
  EXPECT_THAT(goldens(), ElementsAre("relu.new.safetensors"));
  words environment = k_no_ci;
  environment.emplace_back("CI=false");
  EXPECT_EQ(
      golden({"accept", "relu", "--reason", "by a person"}, {.environment = environment}).code, 0);
}

TEST_F(golden_command, what_is_accepted_is_what_the_reference_gives_now) {
  ASSERT_EQ(golden({"update", "relu"}).code, 4);
  rewrite("golden/relu.new.safetensors", move_one);
  expect_refused(golden({"accept", "relu", "--reason", "why not"}), "the reference has changed");
  EXPECT_THAT(goldens(), ElementsAre("relu.new.safetensors"));
}

TEST_F(golden_command, bad_requests_get_one_line) {
  expect_refused(golden({}), "needs one of: update, diff, accept");
  expect_refused(golden({"udpate"}), "udpate");
  expect_refused(golden({"accept", "relu"}), "--reason");
  expect_refused(golden({"accept", "relu", "--reason", "x"}), "no golden waits there");
  expect_refused(golden({"reject", "relu"}), "no golden waits there");
  expect_refused(golden({"reject", "../relu"}), "no component's name");
  expect_refused(golden({"update", "rellu"}), "unknown component 'rellu'");
  expect_refused(golden({"verify", "rellu"}), "unknown component 'rellu'");
  expect_refused(golden({"show", "absent"}), "absent");
  expect_refused(golden({"diff", "--only", "../x"}), "no component's name");
  ASSERT_EQ(golden({"update", "relu"}).code, 4);
  for (const char* reason : {"", " ", "two\nlines", "\xff"})
    expect_refused(golden({"accept", "relu", "--reason", reason}), "a reason is one line");
}

TEST_F(golden_command, a_file_that_is_damaged_or_another_gets_one_line) {
  accept("relu");
  const std::string good = contents("golden/relu.safetensors");
  std::string bad = good;
  bad.back() ^= 1;
  write("golden/relu.safetensors", bad);
  for (const words& arguments :
       {words{"verify", "relu"}, words{"update", "relu"}, words{"show", "golden/relu.safetensors"}})
    expect_refused(golden(arguments), "are not those that were recorded");
  write("golden/relu.safetensors", good.substr(0, good.size() / 2));
  expect_refused(golden({"verify", "relu"}), "not a safetensors file");
  write("golden/relu.safetensors", "");
  expect_refused(golden({"verify", "relu"}), "not a safetensors file");
  write("golden/silu.safetensors", good);
  expect_refused(golden({"verify", "silu"}), "it is the golden of 'relu'");
}

TEST_F(golden_command, what_has_no_component_any_more_is_told) {
  ASSERT_EQ(golden({"update"}).code, 4);
  rewrite("golden/relu.new.safetensors", [](assay::golden::record& of) {
    of.component = "elu";
    of.cases.clear();
  });
  std::filesystem::rename(path("golden/relu.new.safetensors"), path("golden/elu.safetensors"));
  EXPECT_THAT(golden({"verify", "--json"}).out, HasSubstr("there is no component 'elu' any more"));
}

TEST_F(golden_command, a_commit_is_compared_with_what_is_accepted) {
  accept("relu");
  expect_refused(golden({"diff", "HEAD"}), "in no git repository");
  const auto git = [&](const words& arguments) { return assay::golden::git(path("."), arguments); };
  if (!git({"init"})) GTEST_SKIP() << "there is no git";
  git({"add", "golden"});
  ASSERT_TRUE(git({"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "first"}));
  EXPECT_EQ(golden({"diff", "HEAD"}).code, 0);
  rewrite("golden/relu.safetensors", move_one);
  const ended told = golden({"diff", "HEAD"});
  EXPECT_EQ(told.code, 4);
  EXPECT_THAT(told.out, HasSubstr("y  reference: 1 of 32 moved"));
  expect_refused(golden({"diff", "absent"}), "'absent' is no commit");
  expect_refused(golden({"diff", "--only", "relu", "absent"}), "'absent' is no commit");
  accept("silu");
  EXPECT_THAT(golden({"diff", "HEAD", "--only", "silu"}).out, HasSubstr("case added"));
  EXPECT_THAT(golden({"show", "golden/silu.safetensors"}).out, HasSubstr(" and changes\n"));
}

TEST_F(golden_command, a_users_own_component_has_goldens_and_its_broken_kernels_are_caught) {
  const how mine{.program = ASSAY_BROKEN, .environment = k_no_ci};
  EXPECT_EQ(golden({"update", "broken"}, mine).code, 4);
  EXPECT_EQ(golden({"accept", "broken", "--reason", "mine"}, mine).code, 0);
  const ended verified = golden({"verify", "broken", "--time-limit", "1"}, mine);
  EXPECT_EQ(verified.code, 6) << verified.out << verified.err;
  for (const char* wrong :
       {"by crashes: crashed", "by spins: crashed", "by writes_past_end: failed"})
    EXPECT_THAT(verified.out, HasSubstr(wrong));
  EXPECT_THAT(verified.out, Not(HasSubstr("by right:")));
}

}  // namespace
}  // namespace assay::tools::test

#include "properties/case.hpp"

#include "properties/bad_input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace assay::properties {
namespace {

using testing::HasSubstr;

constexpr const char* k_case = "v1/gelu.erf.fwd/x=bf16,y=bf16/n=1023,align=2/dist=tails/seed=7";
constexpr const char* k_run =
    "v1/gelu.erf.fwd/x=bf16,y=bf16/n=1023,align=2/dist=tails/"
    "seed=7@impl=vector,on=emulator,sched=0";

TEST(id, says_all_that_fixes_a_case) {
  const case_id id = parse_case(k_case);
  EXPECT_EQ(id.function(), "gelu.erf.fwd");
  EXPECT_EQ(id.type_of("y"), dtype::bf16);
  EXPECT_EQ(id.dimension("n"), 1023);
  EXPECT_EQ(value_of(id.shape, "align", 256), number(2));
  EXPECT_EQ(id.distribution.name, "tails");
  EXPECT_EQ(id.seed, 7u);
  EXPECT_EQ(print(id), k_case);
}

TEST(id, says_how_a_case_is_run) {
  const run_id id = parse_run(k_run);
  EXPECT_EQ(id.implementation, "vector");
  EXPECT_EQ(id.backend, "emulator");
  EXPECT_EQ(id.schedule, 0u);
  EXPECT_EQ(print(id), k_run);
}

std::string name() {
  const std::string letters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  std::string text(1, *rc::gen::elementOf(letters.substr(0, 26)));
  for (char c : *rc::gen::container<std::string>(rc::gen::elementOf(letters))) text += c;
  return text;
}

fields some_fields(std::size_t least) {
  fields all;
  const auto count = *rc::gen::inRange<std::size_t>(least, least + 4);
  while (all.size() < count) {
    const std::string key = name();
    const number value = *rc::gen::arbitrary<bool>() ? number(*rc::gen::arbitrary<std::int64_t>())
                                                     : number(*rc::gen::arbitrary<double>());
    if (!contains(all, key)) all.push_back({key, value});
  }
  return all;
}

TEST(id, printing_and_parsing_are_inverse) {
  EXPECT_TRUE(rc::check("over made-up runs", [] {
    run_id id;
    id.of = {name(),
             name(),
             name(),
             {},
             some_fields(1),
             {name(), some_fields(0)},
             *rc::gen::arbitrary<std::uint64_t>()};
    for (dtype type : *rc::gen::nonEmpty(rc::gen::container<std::vector<dtype>>(
             rc::gen::elementOf(std::vector(std::begin(k_dtypes), std::end(k_dtypes))))))
      id.of.types.push_back({"t" + std::to_string(id.of.types.size()), type});
    id.implementation = name(), id.backend = name(),
    id.schedule = *rc::gen::arbitrary<std::uint64_t>();
    RC_ASSERT(parse_run(print(id)) == id);
    RC_ASSERT(parse_case(print(id.of)) == id.of);
    RC_ASSERT(print(parse_run(print(id))) == print(id));
  }));
}

// Whatever one character more, less or changed makes of an id, it is refused or it is another id:
// two lines never mean one case.
TEST(id, never_has_two_spellings) {
  const std::string good = k_run;
  const std::string alphabet = "abz019_.,=/@-+ AZ\n";
  for (std::size_t at = 0; at < good.size(); ++at)
    for (char c : alphabet)
      for (const std::string& text :
           {good.substr(0, at) + c + good.substr(at), good.substr(0, at) + good.substr(at + 1),
            good.substr(0, at) + c + good.substr(at + 1)}) {
        try {
          EXPECT_EQ(print(parse_run(text)), text);
        } catch (const bad_input&) {
        }
      }
}

void expect_refused(const std::string& text, const std::string& because) {
  try {
    parse_run(text);
    ADD_FAILURE() << text << " was taken";
  } catch (const bad_input& wrong) {
    EXPECT_THAT(wrong.what(), HasSubstr(because));
    EXPECT_THAT(wrong.what(), HasSubstr(text));
    EXPECT_EQ(std::string(wrong.what()).find('\n'), std::string::npos);
  }
}

TEST(id, is_refused_with_the_part_at_fault) {
  expect_refused("v2/gelu.erf.fwd/x=bf16/n=1/dist=normal/seed=0@impl=a,on=b,sched=0", "'v2'");
  expect_refused("gelu", "names no run");
  expect_refused("v1/gelu.fwd/x=bf16/n=1/dist=normal/seed=0@impl=a,on=b,sched=0", "2 names");
  expect_refused("v1/gelu.erf.fwd/x=int8/n=1/dist=normal/seed=0@impl=a,on=b,sched=0",
                 "'int8' is not a dtype");
  expect_refused("v1/gelu.erf.fwd/x=bf16/n=01/dist=normal/seed=0@impl=a,on=b,sched=0",
                 "'01' is not a number");
  expect_refused("v1/gelu.erf.fwd/x=bf16/n=1,n=2/dist=normal/seed=0@impl=a,on=b,sched=0",
                 "'n' stands twice");
  expect_refused("v1/gelu.erf.fwd/x=bf16/n=1/normal/seed=0@impl=a,on=b,sched=0", "has no '='");
  expect_refused("v1/gelu.erf.fwd/x=bf16/n=1/dist=normal/seed=-1@impl=a,on=b,sched=0", "unsigned");
  expect_refused(
      "v1/gelu.erf.fwd/x=bf16/n=1/dist=normal/seed=18446744073709551616@impl=a,on=b,sched=0",
      "unsigned");
  expect_refused("v1/gelu.erf.fwd/x=bf16/n=1/dist=normal@impl=a,on=b,sched=0", "5 parts");
  expect_refused("v1/gelu.erf.fwd/x=bf16/n=1/dist=normal/seed=0@impl=a,on=b", "incomplete");
  expect_refused("v1/Gelu.erf.fwd/x=bf16/n=1/dist=normal/seed=0@impl=a,on=b,sched=0", "'Gelu'");
}

}  // namespace
}  // namespace assay::properties

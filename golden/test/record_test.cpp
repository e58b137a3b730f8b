#include "golden/record.hpp"

#include "golden/cases.hpp"
#include "golden/kernels.hpp"
#include "golden/test/support.hpp"
#include "properties/bad_input.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace assay::golden::test {
namespace {

using namespace properties;
using testing::HasSubstr;
using testing::StartsWith;

void expect_refused(const tensor_file& file, const std::string& because) {
  try {
    (void)from_file(file, "FILE");
    ADD_FAILURE() << "not refused: " << because;
  } catch (const bad_input& wrong) {
    EXPECT_THAT(wrong.what(), StartsWith("FILE: "));
    EXPECT_THAT(wrong.what(), HasSubstr(because));
  }
}

// Is there a dimension that is not kept, and may be half as large?
bool can_shrink(const contract& c, const case_id& id) {
  return std::any_of(c.dimensions.begin(), c.dimensions.end(), [&](const std::string& name) {
    const auto usual = c.usual.find(name);
    const bool keeps = usual != c.usual.end() && !usual->second.empty() &&
                       id.dimension(name) == usual->second.front();
    case_id smaller = id;
    for (field& each : smaller.shape)
      if (each.key == name) each.value = each.value.as_integer() / 2;
    return !keeps && id.dimension(name) > multiple_of(c, name) &&
           (c.at_most.empty() || misfit(c, smaller).empty());
  });
}

TEST(golden_cases, of_every_contract_are_small_and_cover_its_dtypes_and_parameters) {
  for (const contract& c : contracts()) {
    std::set<std::vector<dtype>> signatures;
    std::set<std::string> parameters, wanted, distributions;
    const auto parameters_of = [&](const case_id& id) {
      std::string all;
      for (const parameter_spec& p : c.parameters)
        all += value_of(id.shape, p.name, p.otherwise).text() + ",";
      return all;
    };
    std::int64_t most = k_most_elements;
    for (const auto& [dimension, sizes] : c.usual)
      if (!sizes.empty()) most *= k_usual_rows;
    for (const case_id& id : cases_of(c)) {
      validate(c, id);
      EXPECT_GT(elements_of(c, id), 0) << print(id);
      EXPECT_TRUE(elements_of(c, id) <= most || !can_shrink(c, id)) << print(id);
      std::vector<dtype> types;
      for (const tensor_type& each : id.types) types.push_back(each.type);
      signatures.insert(types);
      parameters.insert(parameters_of(id));
      distributions.insert(id.distribution.name);
    }
    for (const case_id& id : c.cases) wanted.insert(parameters_of(id));
    EXPECT_EQ(signatures.size(), c.signatures.size()) << c.function();
    EXPECT_EQ(parameters, wanted) << c.function();
    EXPECT_TRUE(distributions.contains("special")) << c.function();
  }
}

// Every component of this repository: correctly rounded throughout, with doubles from many digits,
// and the reference in double within its own error of them.
TEST(golden_record, of_every_component_is_correctly_rounded_and_double_agrees) {
  for (const std::string& name : components())
    for (const recorded_case& each : make_record(name).cases) {
      EXPECT_EQ(disagreement_with_double(each), "") << print(each.id);
      for (const tensor& t : each.tensors)
        EXPECT_TRUE(t.what != holding::within && t.what != holding::error)
            << print(each.id) << ":" << t.name;
    }
}

TEST(golden_record, where_double_is_wrong_says_where) {
  recorded_case of = make_record("relu").cases.front();
  for (tensor& t : of.tensors)
    if (t.what != holding::input)
      t.bytes = encoded(t.type, std::vector<double>(t.values().size(), 7));
  EXPECT_THAT(disagreement_with_double(of), HasSubstr("recorded 7"));
}

TEST(golden_record, comes_back_from_its_file) {
  const record made = make_record("relu");
  const std::string contents = print_safetensors(to_file(made));
  const record read = parse_record(contents, "FILE");
  EXPECT_EQ(print_safetensors(to_file(read)), contents);
  EXPECT_EQ(read.provenance, made.provenance);
  EXPECT_EQ(text_of(read), text_of(made));
}

TEST(golden_record, whose_bytes_changed_is_refused) {
  const tensor_file good = to_file(make_record("relu"));
  for (std::size_t t = 0; t < good.tensors.size(); t += 5) {
    tensor_file bad = good;
    bad.tensors[t].bytes.back() ^= std::byte(1);
    expect_refused(bad, "are not those that were recorded");
  }
}

TEST(golden_record, that_is_truncated_or_odd_is_refused) {
  const std::string contents = print_safetensors(to_file(record_of_output({1, 2, 3, 4})));
  for (std::size_t length = 0; length < contents.size(); ++length)
    EXPECT_THROW((void)parse_record(contents.substr(0, length), "FILE"), bad_input) << length;
  const tensor_file good = to_file(record_of_output({1, 2, 3, 4}));
  const std::string key = print(k_case);
  const auto changed = [&](const std::string& name, const std::string& value) {
    tensor_file file = good;
    file.metadata[name] = value;
    return file;
  };
  tensor_file file = good;
  file.metadata.erase("format");
  expect_refused(file, "not a golden: its metadata has no 'format'");
  expect_refused(changed("format", "assay golden 2"), "this assay reads 'assay golden 1'");
  expect_refused(changed("component", "gelu"), "is none of 'gelu'");
  expect_refused(changed("v1/odd", "x input 0"), "odd");
  expect_refused(changed(key, ""), "has no tensor 'x'");
  expect_refused(changed(key, "x input"), "expected NAME HOLDS HASH");
  expect_refused(changed(key, "x input 0 1"), "expected NAME HOLDS HASH");
  expect_refused(changed(key, "x guessed 0"), "said to hold 'guessed'");
  expect_refused(changed(key, "z input 0"), "there is no tensor");
  file = good;
  file.metadata.erase(key);
  expect_refused(file, "belongs to no case");
  file = good;
  file.tensors.pop_back();
  expect_refused(file, "there is no tensor");
}

TEST(golden_record, that_does_not_fit_its_contract_is_refused) {
  recorded_case of = record_of_output({1, 2, 3, 4}).cases.front();
  EXPECT_NO_THROW((void)prepared_from(of));
  of.tensors[1].shape = {2, 2};
  EXPECT_THROW((void)prepared_from(of), bad_input);
}

}  // namespace
}  // namespace assay::golden::test

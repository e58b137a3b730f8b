// Sizes beyond 2^31: every kernel on tensors of more than 2^31 elements, of which only the last
// blocks run. The memory is never touched elsewhere, so that it is never there.

#include "optimized/launcher.hpp"
#include "properties/harness.hpp"
#include "properties/staged_call.hpp"
#include "properties/test/every.hpp"

#include <gtest/gtest.h>

namespace assay::properties {
namespace {

class sizes : public testing::TestWithParam<pair_under_test> {};

constexpr std::int64_t k_count = (std::int64_t(1) << 31) + 1037;  // elements, in whole pieces
constexpr std::int64_t k_tail = 3000;  // the elements that are looked at, the last ones, likewise
// Blocks that run, the last ones: of element-wise kernels one owns more than k_tail elements, of
// others at least a row.
constexpr std::uint64_t k_blocks = 2;

// A case whose first dimension makes it so large, or a piece larger.
case_id sized(const contract& c, case_id id, std::int64_t elements) {
  const std::int64_t piece = piece_elements_of(c, id);
  id.shape.front().value = (elements + piece - 1) / piece;
  return id;
}

// A tensor of a large case on the emulator, of which the elements of a small one are looked at.
class sparse_tensor {
 public:
  sparse_tensor(const tensor_spec& spec, dtype type, const case_id& large, std::int64_t tail,
                simt::backend& place)
      : place_(place), of_{nullptr, type, shape_of(spec, large)}, tail_(tail) {
    of_.data = place.allocate(of_.bytes(), spec.name);
  }
  ~sparse_tensor() { place_.free(of_.data); }
  sparse_tensor(const sparse_tensor&) = delete;

  const optimized::tensor& get() const { return of_; }
  std::byte* tail() const {
    return static_cast<std::byte*>(of_.data) +
           (of_.elements() - tail_) * std::int64_t(size_of(of_.type));
  }
  std::size_t tail_bytes() const { return std::size_t(tail_) * size_of(of_.type); }

 private:
  simt::backend& place_;
  optimized::tensor of_;
  std::int64_t tail_;
};

std::vector<double> tail_of_first_output(const pair_under_test& pair, const prepared_case& small) {
  simt::backend& place = simt::plain_emulator();
  const optimized::launcher* const launcher =
      optimized::find_launcher(simt::build::plain, pair.of->function(), pair.by->name);
  const contract& c = *pair.of;
  const case_id large = sized(c, small.inputs.id, k_count);
  const std::int64_t tail = elements_of(c, small.inputs.id);
  std::vector<std::unique_ptr<sparse_tensor>> tensors;
  optimized::call call;
  std::size_t at = 0;
  for (const auto* specs : {&pair.of->inputs, &pair.of->outputs})
    for (const tensor_spec& spec : *specs) {
      const dtype type = small.inputs.id.types[at++].type;
      std::int64_t looked_at = 1;
      for (std::int64_t extent : shape_of(spec, small.inputs.id)) looked_at *= extent;
      tensors.push_back(std::make_unique<sparse_tensor>(spec, type, large, looked_at, place));
      call.tensors.push_back(tensors.back()->get());
    }
  for (std::size_t t = 0; t < pair.of->inputs.size(); ++t) {
    const tensor_bytes bits = encoded(call.tensors[t].type, small.inputs.values[t]);
    place.copy(tensors[t]->tail(), bits.data(), bits.size(), simt::direction::to_device);
  }
  call.parameters = small.inputs.parameters;
  call.workspace_bytes = launcher->workspace ? launcher->workspace(call) : 0;
  call.workspace = place.allocate(call.workspace_bytes, "workspace");
  const std::unique_ptr<simt::queue> stream = place.make_queue();
  stream->emulate.blocks.at_most = c.dimensions.size() == 1
                                       ? k_blocks
                                       : std::uint64_t(tail / large.dimension(c.dimensions.back()));
  launcher->launch(call, *stream);
  stream->synchronize();
  const sparse_tensor& output = *tensors[pair.of->inputs.size()];
  tensor_bytes bits(output.tail_bytes());
  place.copy(bits.data(), output.tail(), bits.size(), simt::direction::to_host);
  place.free(call.workspace);
  return decoded(output.get().type, bits);
}

TEST_P(sizes, beyond_2_to_the_31_elements) {
  for (const std::vector<dtype>& types : signatures_of(GetParam())) {
    const contract& c = *GetParam().of;
    const case_id id = sized(c, retyped(c.decoy_case, types), k_tail);
    const prepared_case small = prepare(id);
    std::vector<std::vector<double>> outputs(GetParam().of->outputs.size());
    for (std::size_t k = 0; k < outputs.size(); ++k) outputs[k] = small.exact[k].value;
    outputs[0] = tail_of_first_output(GetParam(), small);
    const verdict verdict = judge(small, *GetParam().by, outputs)[0].strict;
    EXPECT_TRUE(verdict.passed()) << print(id) << ": " << verdict.reason;
    EXPECT_EQ(verdict.judged, std::int64_t(outputs[0].size()));
  }
}

// Sums over 2^31 rows take their time: no part of them is looked at.
std::vector<pair_under_test> every_one_of_pieces() {
  std::vector<pair_under_test> all = every_implementation();
  std::erase_if(all, [](const pair_under_test& each) { return each.of->sums_over_first; });
  return all;
}

INSTANTIATE_TEST_SUITE_P(every, sizes, testing::ValuesIn(every_one_of_pieces()), name_of_pair);

}  // namespace
}  // namespace assay::properties

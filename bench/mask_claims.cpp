#include "bench/mask_claims.hpp"

#include "bench/counted_call.hpp"
#include "properties/contract.hpp"
#include "properties/softmax_cases.hpp"

#include <fmt/format.h>

namespace assay::bench {
namespace {

using properties::run_id;

// Of a function whose tensors all are of one dtype.
run_id kernel_of(const std::string& component, const std::string& variant,
                 const std::string& implementation, const properties::fields& shape, dtype type) {
  properties::case_id id{component, variant, "fwd", {}, shape, {"normal", {}}, 1};
  const properties::contract& c = properties::contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const properties::tensor_spec& each : *tensors) id.types.push_back({each.name, type});
  return {id, implementation, "emulator", 0};
}

std::string row_of(std::int64_t tokens, std::vector<std::string>& contradictions) {
  const std::vector<masked_way> ways = masked_ways(tokens, dtype::bf16);
  const double least = bytes_of(ways.back());
  std::string row = fmt::format("| {} |", grouped(double(tokens)));
  for (const masked_way& way : ways) {
    for (const run_id& each : way.kernels) hold_to_formula(each, contradictions);
    row += fmt::format(" {} | {:.2f} |", grouped(bytes_of(way)), bytes_of(way) / least);
  }
  return row + "\n";
}

}  // namespace

std::vector<masked_way> masked_ways(std::int64_t tokens, dtype type) {
  const double scores = double(tokens) * double(tokens);
  const properties::fields matrix = {{"batch", 1}, {"q", tokens}, {"k", tokens}},
                           filled = {{"batch", 1}, {"q", tokens}, {"k", tokens}, {"inplace", 1}},
                           rows = {{"rows", tokens}, {"n", tokens}}, all = {{"n", tokens * tokens}};
  const run_id fill = kernel_of("causal_mask", "fill", "words", filled, type),
               add = kernel_of("addition", "pair", "vector", all, type),
               softmax = kernel_of("softmax", "plain", "online", rows, type),
               added = kernel_of("softmax", "additive", "online", matrix, type),
               causal = kernel_of("softmax", "causal", "online", matrix, type);
  return {{"a matrix built and added", {fill, add, softmax}, scores * double(size_of(type))},
          {"filled in place", {fill, softmax}},
          {"a matrix there already", {added}},
          {"none in memory", {causal}}};
}

double bytes_of(const masked_way& way) {
  double bytes = way.set_bytes;
  for (const run_id& each : way.kernels) bytes += bytes_by_formula(each);
  return bytes;
}

claimed mask_claims() {
  claimed made;
  made.text =
      "Bytes that move from the scores of one head in bf16, T queries and T keys, to their causal "
      "softmax, and how many times those of the last way that is. A matrix\nbuilt and added: zeros "
      "by a memset, `causal_mask.fill` over them in place, `addition.pair`, `softmax.plain`. "
      "Filled in place: `causal_mask.fill` over the scores,\n`softmax.plain`. A matrix there "
      "already: `softmax.additive`. None in memory: `softmax.causal`. Every kernel was counted on "
      "the emulator, where memcheck saw that\nnothing else is touched; the memset, no kernel of "
      "ours, is 2 T^2 bytes that were not.\n\n| T |";
  std::string rule = "| --: |";
  for (const masked_way& way : masked_ways(1, dtype::bf16)) {
    made.text += " " + way.name + " | times |";
    rule += " --: | --: |";
  }
  made.text += "\n" + rule + "\n";
  for (std::int64_t tokens = 256; tokens <= 2048; tokens *= 2)
    made.text += row_of(tokens, made.contradictions);
  return made;
}

}  // namespace assay::bench

#include "bench/attention_claims.hpp"

#include "optimized/attention.cuh"
#include "optimized/attention_mma.cuh"
#include "optimized/launcher.hpp"
#include "properties/attention_cases.hpp"
#include "properties/contract.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>

namespace assay::bench {
namespace {

using properties::contract;

const contract& contract_of(const attention_call_of& what) {
  return properties::contract_of({"attention", what.variant, "fwd", {}, {}, {}, 0});
}

const optimized::launcher& launcher_of(const attention_call_of& what) {
  return *optimized::find_launcher(simt::build::sanitized, contract_of(what).function(),
                                   what.implementation);
}

// The table's three kinds of attention; each is counted as far as that takes seconds.
struct kind {
  const char *name, *variant, *implementation;
  std::int64_t window, counted_to;
};
constexpr kind k_kinds[] = {{"standard", "causal", "naive", 0, 512},
                            {"flash", "causal", "flash_mma", 0, 2048},
                            {"sparse", "window", "flash_mma", 256, 2048}};

attention_call_of call_of(const kind& which, std::int64_t tokens) {
  return {which.variant, which.implementation, dtype::bf16, tokens, 64, which.window};
}

double memory_of(const attention_call_of& what) {
  return tensor_bytes_of(what) + scratch_bytes_of(what);
}
double moved_by(const attention_call_of& what) { return bytes_by_formula(run_of(what)); }
double work_of(const attention_call_of& what) {
  return contract_of(what).cost_of(run_of(what).of).flops;
}
using quantity = double (*)(const attention_call_of&);

// The exponent of T in a quantity, where T is large.
std::string growth(const kind& which, quantity of) {
  constexpr std::int64_t k_large = 1 << 19;
  return fmt::format("T^{:.2f}",
                     std::log2(of(call_of(which, 2 * k_large)) / of(call_of(which, k_large))));
}

// The most tokens for which a quantity, which grows with them, is `most` at most.
std::int64_t longest(const kind& which, quantity of, double most) {
  std::int64_t fits = 1, more = 2;
  while (of(call_of(which, more)) <= most) fits = more, more *= 2;
  while (more - fits > 1) {
    const std::int64_t middle = fits + (more - fits) / 2;
    (of(call_of(which, middle)) <= most ? fits : more) = middle;
  }
  return fits;
}

std::string table_by_tokens(std::vector<std::string>& contradictions) {
  std::string text =
      "| tokens | memory a token: standard | flash | sparse | moved a token: standard | flash | "
      "sparse |\n| --: | --: | --: | --: | --: | --: | --: |\n";
  for (std::int64_t tokens = 256; tokens <= 1 << 20; tokens *= tokens < 2048 ? 2 : 8) {
    std::string memory, moved;
    for (const kind& each : k_kinds) {
      const attention_call_of what = call_of(each, tokens);
      const bool counted = tokens <= each.counted_to;
      if (counted) hold_to_formula(run_of(what), contradictions);
      const char* const mark = counted ? "**" : "";
      memory += fmt::format(" {0}{1}{0} |", mark, grouped(memory_of(what) / double(tokens)));
      moved += fmt::format(" {0}{1}{0} |", mark, grouped(moved_by(what) / double(tokens)));
    }
    text += fmt::format("| {} |{}{}\n", grouped(double(tokens)), memory, moved);
  }
  return text;
}

// The seeds' table: memory, work, longest context.
std::string table_of_growth() {
  constexpr std::int64_t k_unit = 4096;
  std::string text =
      "| | memory | moved | FLOPs | most tokens in its memory | with its traffic | with its FLOPs "
      "|\n| --- | --- | --- | --- | --: | --: | --: |\n";
  for (const kind& each : k_kinds) {
    text += fmt::format("| {} |", each.name);
    for (const quantity of : {memory_of, moved_by, work_of})
      text += fmt::format(" {} |", growth(each, of));
    for (const quantity of : {memory_of, moved_by, work_of})
      text +=
          fmt::format(" {} |", grouped(double(longest(each, of, of(call_of(k_kinds[0], k_unit))))));
    text += "\n";
  }
  return text;
}

std::string table_of_blocks(std::vector<std::string>& contradictions) {
  std::string text =
      "| kernel | heads of | threads a block | shared memory a block | blocks in 164 KiB (sm_80) | "
      "in 228 KiB (sm_90) | bank conflicts |\n| --- | --: | --: | --: | --: | --: | --: |\n";
  for (const attention_block& each : attention_blocks()) {
    const counted_call made =
        count_call({"causal", each.kernel, each.type, 2 * each.tile, each.width});
    for (const std::string& finding : made.findings) contradictions.push_back(finding);
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} in {} |\n", each.kernel, each.width,
                        each.threads, grouped(double(each.shared_bytes)),
                        blocks_held(k_sm_80_shared_bytes, each),
                        blocks_held(k_sm_90_shared_bytes, each), made.counted.shared_bank_conflicts,
                        grouped(double(made.counted.shared_wavefronts)));
  }
  return text;
}

}  // namespace

properties::run_id run_of(const attention_call_of& what) {
  const contract& c = contract_of(what);
  for (const std::vector<dtype>& types : c.signatures) {
    if (types[0] != what.type) continue;
    properties::case_id id = properties::attention_case(
        c, types, {1, what.tokens, what.tokens, 1, 1, what.width, {"normal", {}}}, 1);
    for (properties::field& each : id.shape) {
      if (each.key == "left") each.value = what.window - 1;
      if (each.key == "right") each.value = 0;
    }
    return {id, what.implementation, "emulator", 0};
  }
  throw std::invalid_argument("attention takes no such dtype");
}

counted_call count_call(const attention_call_of& what) { return count_call(run_of(what)); }

double tensor_bytes_of(const attention_call_of& what) {
  return contract_of(what).cost_of(run_of(what).of).bytes;
}

double scratch_bytes_of(const attention_call_of& what) {
  const contract& c = contract_of(what);
  const properties::case_id id = run_of(what).of;
  const optimized::launcher& by = launcher_of(what);
  if (!by.workspace) return 0;
  optimized::call call;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const properties::tensor_spec& each : *tensors)
      call.tensors.push_back(
          {nullptr, id.types[call.tensors.size()].type, properties::shape_of(each, id)});
  return double(by.workspace(call));
}

std::vector<attention_block> attention_blocks() {
  using namespace optimized;
  std::vector<attention_block> all;
  for (const int width : {32, 64, 128})
    all.push_back({"flash_simple", dtype::fp32, width, k_simple_tile, k_simple_threads,
                   simple_shared_bytes(width)});
  const auto add_mma = [&]<int Width>() {
    all.push_back(
        {"flash_mma", dtype::bf16, Width, k_mma_tile, k_mma_threads, k_mma_shared_bytes<Width>});
  };
  add_mma.operator()<32>();
  add_mma.operator()<64>();
  add_mma.operator()<96>();
  add_mma.operator()<128>();
  return all;
}

std::size_t blocks_held(std::size_t sm_shared_bytes, const attention_block& block) {
  constexpr std::size_t k_for_the_system = 1024;
  return sm_shared_bytes / (block.shared_bytes + k_for_the_system);
}

claimed attention_claims() {
  claimed made;
  made.text =
      "Bytes of one causal head of 64 in bf16, for each of its T tokens. Standard is `naive`; "
      "flash, "
      "`flash_mma`; sparse, `flash_mma` over a window of 256\nkeys. Memory: q, k, v, o, lse and "
      "what "
      "lies between kernels. Moved: what threads ask global memory for, and write to it. **Bold** "
      "was "
      "counted on the\nemulator, where memcheck saw that nothing else is touched; the rest are the "
      "formulas, which these counts meet to the byte.\n\n" +
      table_by_tokens(made.contradictions) +
      "\nHow that grows from 2^19 to 2^20 tokens, and how far one comes with what standard "
      "attention "
      "takes for 4,096 of them. FLOPs are those of the pairs that\nare seen. Flash stores and "
      "moves "
      "less and multiplies as much: what ends its context is time.\n\n" +
      table_of_growth() +
      "\nWhat a block takes, and how many a multiprocessor holds by its shared memory (1 KiB a "
      "block "
      "is the system's). Registers never keep a second block out:\n2 x 128 threads x 256 are all "
      "65,536. Bank conflicts, in so many wavefronts of two tiles; `naive` uses no shared "
      "memory.\n\n" +
      table_of_blocks(made.contradictions);
  return made;
}

}  // namespace assay::bench

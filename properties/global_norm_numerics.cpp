#include "properties/global_norm_numerics.hpp"

#include "properties/accumulation.hpp"
#include "properties/square_root.hpp"
#include "reference/global_norm.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr std::int64_t k_threads = 256, k_groups = 8;

std::int64_t group_of(const case_id& id) { return 16 / std::int64_t(size_of(id.types[0].type)); }
std::int64_t blocks_of(const case_id& id) {
  const std::int64_t own = k_threads * k_groups * group_of(id);
  return (id.dimension("n") + own - 1) / own;
}

// Threads in turn, and halves of them added to halves.
order block_order(std::int64_t group) { return {{interleaved{k_threads, group}, tree{}}}; }

// Of all squares: each block its own, by groups of 16 bytes, then one block the blocks.
order two_stage_order(const case_id& id) {
  const std::int64_t group = group_of(id);
  return {{in_chunks(k_threads * k_groups * group, block_order(group)), interleaved{k_threads, 1},
           tree{}}};
}

// min(1, limit / norm), and 1 for a norm of 0. Where the norm lies on both sides of the limit, what
// comes out lies with the truth between limit / (the largest that it can be) and 1.
running::value factor_of(const running& a, double limit, running::value norm) {
  if (!std::isfinite(norm.center)) {
    const double open = norm.after == 0 ? 0 : reference::k_infinity;
    return {reference::k_nan, open, open};
  }
  if (norm.center + norm.after <= limit) return running::exact(1);
  const double least = norm.center - norm.after, most = norm.center + norm.after;
  if (least > limit) return a.div(running::exact(limit), norm);
  if (!std::isfinite(most)) return {1, reference::k_infinity, reference::k_infinity};
  const double off = 1 - limit / most + 0x1p-50;
  return {norm.center > limit ? limit / norm.center : 1, off, off + 0x1p-25};
}
concrete::value factor_of(const concrete& a, double limit, concrete::value norm) {
  if (!std::isfinite(norm.after)) return concrete::exact(reference::k_nan);
  return norm.after > limit ? a.div(concrete::exact(limit), norm) : concrete::exact(1);
}

template <class Arithmetic>
model_outputs<Arithmetic> in_fp32(const Arithmetic& a, const case_inputs& in, const order& how) {
  std::vector<typename Arithmetic::value> squares;
  for (const double g : in.values[0])
    squares.push_back(a.mul(Arithmetic::exact(g), Arithmetic::exact(g)));
  const auto norm = a.apply(k_square_root, sum(a, how, std::move(squares)), k_rounded_once);
  return {{norm}, {factor_of(a, in.parameters[0], norm)}};
}

// Squares are exact in double, sums of one sign lose at most 2^-53 of themselves at each of the
// additions that a square goes through: 8 groups' elements in a thread, 8 levels of the block, as
// many parts as a thread of the last block adds, and 8 levels again. The root halves that, and
// rounds; so does the quotient, and each is then rounded to fp32, of which 2^-24 is an ULP at most.
template <class Arithmetic>
model_outputs<Arithmetic> in_double(const Arithmetic& a, const case_inputs& in) {
  const auto norm = reference::global_norm_with_error(in.values[0]);
  if (!std::isfinite(norm.value)) {
    const auto of_norm = Arithmetic::exact(norm.value);
    return {{of_norm}, {factor_of(a, in.parameters[0], of_norm)}};
  }
  const double additions =
                   double(k_groups * group_of(in.id) + 16 + blocks_of(in.id) / k_threads + 1),
               relative = (additions + 4) * 0x1p-53, limit = in.parameters[0];
  const auto rounded = [&](double value) {
    return a.known(value, k_rounded_once + relative * 0x1p24);
  };
  if (norm.value == 0) return {{Arithmetic::exact(0)}, {Arithmetic::exact(1)}};
  const bool below = norm.value * (1 + 2 * relative) <= limit;
  return {{rounded(norm.value)},
          {below ? Arithmetic::exact(1) : rounded(std::min(1.0, limit / norm.value))}};
}

// A sum that fp32 may not have, by what additions of one sign gain at most.
std::vector<bool> promised_in_fp32(const case_inputs& in, std::size_t) {
  const double norm = reference::global_norm_with_error(in.values[0]).value;
  return {!std::isfinite(norm) || norm * norm <= 0x1p127};
}

implementation implementation_of(const char* name, const char* about, std::string numerics) {
  implementation it;
  it.name = name;
  it.about = about;
  it.numerics = std::move(numerics);
  return it;
}

implementation fp32_implementation(const char* name, const char* about, std::string order_text,
                                   order (*how)(const case_id&)) {
  implementation it = implementation_of(
      name, about, "fp32, each operation rounded; squares: " + std::move(order_text));
  it.promises = promised_in_fp32;
  it.domain_text = "gradients whose squares add up to 2^127 at most";
  it.model = make_model(
      [how](const auto& a, const case_inputs& in) { return in_fp32(a, in, how(in.id)); });
  return it;
}

}  // namespace

std::vector<implementation> global_norm_implementations() {
  implementation precise = implementation_of(
      "double_sums",
      "by words of 16 bytes, each block its part, then one block the parts; in double",
      "squares exact in double, sums, root and quotient rounded to it, and once to fp32");
  precise.model = make_model([](const auto& a, const case_inputs& in) { return in_double(a, in); });
  precise.traffic = [](const case_id& id) {
    return contract_of(id).cost_of(id).bytes + 2 * 8 * double(blocks_of(id));
  };
  implementation naive =
      fp32_implementation("naive", "one block, element by element", block_order(1).text(),
                          [](const case_id&) { return block_order(1); });
  naive.traffic = [](const case_id& id) { return contract_of(id).cost_of(id).bytes; };
  return {std::move(precise),
          fp32_implementation("two_stage", "the same in fp32",
                              "groups of 16 bytes by 256 threads, 8 of them a thread, then halves; "
                              "blocks by 256 threads, then halves",
                              two_stage_order),
          std::move(naive)};
}

}  // namespace assay::properties

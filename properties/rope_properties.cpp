#include "properties/rope_properties.hpp"

#include "properties/property.hpp"
#include "properties/rope_heads.hpp"
#include "reference/round.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_last_offset = 0x1p24;

void set_parameter(case_inputs& in, std::size_t which, const std::string& name, double value) {
  in.parameters[which] = value;
  for (field& each : in.id.shape)
    if (each.key == name) each.value = value;
}

case_inputs at_offset(const subject& s, double offset) {
  case_inputs in = s.inputs();
  set_parameter(in, 0, "offset", offset);
  return in;
}

void set_dimension(case_inputs& in, const char* name, std::int64_t extent) {
  for (field& each : in.id.shape)
    if (each.key == name) each.value = extent;
}

std::string unlike(const std::string& what, const std::vector<double>& left,
                   const std::vector<double>& right) {
  for (std::size_t i = 0; i < left.size(); ++i)
    if (!reference::same(left[i], right[i]))
      return fmt::format("{}: {:a} against {:a} at {}", what, left[i], right[i], i);
  return {};
}

// visit(pair) for every pair of the subject's tensors.
template <class Visit>
void for_each_pair(const subject& s, const Visit& visit) {
  rope_heads::of(s.inputs())
      .for_each_pair([](std::int64_t, std::int64_t) { return 0; },
                     [&](const rope_pair& p, int) { visit(p); });
}

// How far a pair may lie from the mathematics, as a vector: a rotation keeps that.
double reach_of(const bounded_output& y, const rope_pair& p) {
  return std::hypot(y.reach[p.low], y.reach[p.high]);
}

std::string broken_identity(const subject& s) {
  const case_inputs in = at_offset(s, 0);
  const bounded_output y = s.outputs(in)[0];
  std::vector<double> before, after;
  for_each_pair(s, [&](const rope_pair& p) {
    if (p.position != std::int64_t(s.inputs().parameters[0])) return;  // the first token
    for (std::size_t at : {p.low, p.high}) {
      before.push_back(in.values[0][at]);
      after.push_back(y.got[at]);
    }
  });
  return unlike("position 0", after, before);
}

// The results, given to the other direction; pairs of which nothing is promised as zeros.
case_inputs turned_back(const subject& s, const bounded_output& y) {
  case_inputs back = s.inputs();
  const bool forward = s.of().direction == "fwd";
  back.id.direction = forward ? "bwd" : "fwd";
  back.id.types[0].name = forward ? "dy" : "x";
  back.id.types[1].name = forward ? "dx" : "y";
  back.values[0] = y.got;
  for_each_pair(s, [&](const rope_pair& p) {
    if (!std::isfinite(reach_of(y, p))) back.values[0][p.low] = back.values[0][p.high] = 0;
  });
  return back;
}

std::string broken_inverse(const subject& s) {
  const bounded_output y = s.outputs()[0];
  const case_inputs back = turned_back(s, y);
  const bounded_output z = s.with_function(back).outputs(back)[0];
  const std::vector<double>& x = s.inputs().values[0];
  std::vector<double> allowed(x.size());
  for_each_pair(s, [&](const rope_pair& p) {
    for (std::size_t at : {p.low, p.high})
      allowed[at] = std::isfinite(x[at]) ? (reach_of(y, p) + z.reach[at]) * (1 + 0x1p-50)
                                         : reference::k_infinity;
  });
  return differ(z.got, x, allowed);
}

std::string broken_norm(const subject& s) {
  const bounded_output y = s.outputs()[0];
  const std::vector<double>& x = s.inputs().values[0];
  std::vector<double> before, after, allowed;
  for_each_pair(s, [&](const rope_pair& p) {
    before.push_back(std::hypot(x[p.low], x[p.high]));
    after.push_back(std::hypot(y.got[p.low], y.got[p.high]));
    // The C library's hypot, to 2^-50.
    allowed.push_back(std::isfinite(before.back())
                          ? reach_of(y, p) * (1 + 0x1p-50) + 0x1p-49 * before.back()
                          : reference::k_infinity);
  });
  return differ(after, before, allowed);
}

// The tokens from `first` on, as a sequence that begins there.
case_inputs tail_of(const subject& s, std::int64_t first) {
  const rope_heads all = rope_heads::of(s.inputs());
  case_inputs tail = at_offset(s, s.inputs().parameters[0] + double(first));
  set_dimension(tail, "t", all.t - first);
  tail.values[0].clear();
  const std::vector<double>& x = s.inputs().values[0];
  const std::int64_t row = all.heads * all.d;
  for (std::int64_t b = 0; b < all.batch; ++b)
    tail.values[0].insert(tail.values[0].end(), x.begin() + (b * all.t + first) * row,
                          x.begin() + (b + 1) * all.t * row);
  return tail;
}

std::string broken_decoding(const subject& s) {
  const rope_heads all = rope_heads::of(s.inputs());
  const std::int64_t first = all.t / 2, row = all.heads * all.d;
  if (s.inputs().parameters[0] + double(first) > k_last_offset) return {};
  const std::vector<double> whole = s.outputs()[0].got, tail = s.outputs(tail_of(s, first))[0].got;
  std::vector<double> expected;
  for (std::int64_t b = 0; b < all.batch; ++b)
    expected.insert(expected.end(), whole.begin() + (b * all.t + first) * row,
                    whole.begin() + (b + 1) * all.t * row);
  return unlike("tokens by themselves", tail, expected);
}

// The values of a tensor with heads and sequences in the opposite order.
std::vector<double> mirrored(const subject& s, const std::vector<double>& x) {
  const rope_heads all = rope_heads::of(s.inputs());
  std::vector<double> turned;
  for (std::int64_t b = all.batch; b-- > 0;)
    for (std::int64_t i = 0; i < all.t; ++i)
      for (std::int64_t h = all.heads; h-- > 0;) {
        const auto from = x.begin() + ((b * all.t + i) * all.heads + h) * all.d;
        turned.insert(turned.end(), from, from + all.d);
      }
  return turned;
}

std::string broken_heads(const subject& s) {
  case_inputs in = s.inputs();
  in.values[0] = mirrored(s, in.values[0]);
  return unlike("heads in another order", s.outputs(in)[0].got, mirrored(s, s.outputs()[0].got));
}

// Dot products of the first and the last token, head by head, with how far each may be off.
struct scores {
  std::vector<double> value, off;
};

scores scores_of(const subject& s, const bounded_output& y) {
  const rope_heads all = rope_heads::of(s.inputs());
  scores of;
  for (std::int64_t b = 0; b < all.batch; ++b)
    for (std::int64_t h = 0; h < all.heads; ++h) {
      const auto token = [&](std::int64_t i) {
        return std::size_t(((b * all.t + i) * all.heads + h) * all.d);
      };
      const std::size_t q = token(0), k = token(all.t - 1);
      double sum = 0, sizes = 0, off = 0;
      for (std::size_t e = 0; e < std::size_t(all.d); ++e) {
        const double a = y.got[q + e], c = y.got[k + e], ra = y.reach[q + e], rc = y.reach[k + e];
        sum += a * c;
        sizes += std::abs(a * c);
        off += std::isfinite(ra) && std::isfinite(rc)
                   ? std::abs(a) * rc + std::abs(c) * ra + ra * rc
                   : reference::k_infinity;
      }
      of.value.push_back(sum);
      // d products and sums of them in double (Higham, section 3.1). Where nothing is promised of a
      // value, nothing is said.
      const bool unsaid = off == reference::k_infinity;
      of.off.push_back(unsaid ? off : off * (1 + 0x1p-20) + double(all.d + 1) * 0x1p-52 * sizes);
    }
  return of;
}

std::string broken_relativity(const subject& s) {
  constexpr double k_further = 1237;
  if (rope_heads::of(s.inputs()).t == 0) return {};
  const double here = s.inputs().parameters[0];
  const double there = here + (here + k_further > k_last_offset ? -k_further : k_further);
  const scores left = scores_of(s, s.outputs()[0]),
               right = scores_of(s, s.outputs(at_offset(s, there))[0]);
  std::vector<double> allowed;
  for (std::size_t i = 0; i < left.off.size(); ++i) allowed.push_back(left.off[i] + right.off[i]);
  return differ(left.value, right.value, allowed);
}

std::string broken_unscaled(const subject& s) {
  case_inputs in = s.inputs();
  set_parameter(in, 2, "scale", 1);
  const std::vector<double> scaled = s.outputs(in)[0].got;
  in.id.variant = "plain";
  std::erase_if(in.id.shape, [](const field& each) { return each.key == "scale"; });
  in.parameters.pop_back();
  return unlike("scale 1", scaled, s.with_function(in).outputs(in)[0].got);
}

}  // namespace

void add_rope_properties(contract& c) {
  c.properties = {{"position 0 is the identity, bit for bit", broken_identity},
                  {"the other direction turns it back", broken_inverse},
                  {"the length of each pair stays", broken_norm},
                  {"a token alone is what it is in its sequence, bit for bit", broken_decoding},
                  {"heads and sequences are turned alike, bit for bit", broken_heads},
                  {"dot products depend on how far tokens are apart", broken_relativity}};
  if (c.parameters.size() > 2)
    c.properties.push_back({"a scale of 1 is plain, bit for bit", broken_unscaled});
}

}  // namespace assay::properties

#include "properties/embedding_properties.hpp"

#include "properties/embedding_shape.hpp"
#include "properties/property.hpp"
#include "reference/exact.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

std::size_t place_of_ids(const case_inputs& in) {
  return is_forward(in.id) ? k_embedding_forward.ids : k_embedding_backward.ids;
}

// Another tensor's rows, of so many elements, from the last to the first.
std::vector<double> from_behind(const std::vector<double>& rows, std::int64_t width) {
  std::vector<double> turned;
  for (auto end = rows.end(); end - rows.begin() >= width && width > 0; end -= width)
    turned.insert(turned.end(), end - width, end);
  return turned;
}

// Token n called v - 1 - n, and so its row of the table.
case_inputs renamed(const case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  case_inputs other = in;
  for (double& id : other.values[place_of_ids(in)])
    if (shape.has(std::int64_t(id))) id = double(shape.tokens - 1) - id;
  if (is_forward(in.id)) {
    auto& tokens = other.values[k_embedding_forward.tokens];
    tokens = from_behind(tokens, shape.width);
  }
  return other;
}

// A kernel's own sums depend on nothing but the order of the tokens, which stays. Small integers
// are added up without rounding, in whatever order.
std::string broken_names(const subject& s) {
  case_inputs in = s.inputs();
  if (!s.by().deterministic)
    for (double& each : in.values[k_embedding_backward.dx])
      each = std::isfinite(each) ? std::clamp(std::nearbyint(each), -4.0, 4.0) : 0;
  std::vector<bounded_output> here = s.outputs(in);
  const std::vector<bounded_output> there = s.outputs(renamed(in));
  if (!is_forward(in.id))
    for (std::vector<double>* each : {&here[0].got, &here[0].reach})
      *each = from_behind(*each, embedding_shape::of(in.id).width);
  return unlike(here, there);
}

// Every second id is another one, and that row of x alone is another one.
std::string broken_independence(const subject& s) {
  const embedding_shape shape = embedding_shape::of(s.inputs().id);
  case_inputs other = s.inputs();
  auto& ids = other.values[k_embedding_forward.ids];
  for (std::size_t k = 1; k < ids.size(); k += 2)
    ids[k] = shape.has(std::int64_t(ids[k])) ? std::fmod(ids[k] + 1, double(shape.tokens)) : -1;
  std::vector<bounded_output> here = s.outputs(), there = s.outputs(other);
  for (std::int64_t k = 1; k < shape.ids(); k += 2)
    for (bounded_output* each : {&here[0], &there[0]})
      std::fill_n(each->got.begin() + k * shape.width, shape.width, 0);
  return unlike(here, there);
}

// One token more has gone before, and the table has a row more at its front, and one less at its
// end, which nobody asks for.
std::string broken_offset(const subject& s) {
  const embedding_shape shape = embedding_shape::of(s.inputs().id);
  const std::int64_t most = shape.positions - shape.length - 1;
  if (most < 0) return {};  // no sequence has room for one more
  case_inputs here = s.inputs();
  for (double& each : here.values[k_embedding_lengths]) each = std::clamp(each, 0.0, double(most));
  case_inputs there = here;
  for (double& each : there.values[k_embedding_lengths]) ++each;
  auto& positions = there.values[k_embedding_forward.positions];
  std::rotate(positions.begin(), positions.end() - shape.width, positions.end());
  return unlike(s.outputs(here), s.outputs(there));
}

// The matrix of one-hot rows: is id k token n?
double one_hot(const std::vector<std::int64_t>& ids, std::int64_t k, std::int64_t n) {
  return ids[std::size_t(k)] == n ? 1 : 0;
}

// x = one_hot tokens + positions, where no number of the tables is infinite or none: 0 times that
// is not 0. An id that is none has no one-hot row, and a position that is none no row at all.
std::string broken_product(const subject& s) {
  case_inputs in = s.inputs();
  for (const std::size_t t : {k_embedding_forward.tokens, k_embedding_forward.positions})
    for (double& each : in.values[t]) each = std::isfinite(each) ? each : 0;
  const embedding_shape shape = embedding_shape::of(in.id);
  const std::vector<std::int64_t> ids = embedding_ids(in), places = embedding_places(in);
  const bounded_output x = s.outputs(in)[0];
  std::vector<double> product, allowed = x.reach;
  for (std::int64_t k = 0; k < shape.ids(); ++k) {
    const std::int64_t place = places[std::size_t(k)];
    for (std::int64_t c = 0; c < shape.width; ++c) {
      double dot =
          shape.has_position(place)
              ? in.values[k_embedding_forward.positions][std::size_t(place * shape.width + c)]
              : 0;
      for (std::int64_t n = 0; n < shape.tokens; ++n)
        dot += one_hot(ids, k, n) *
               in.values[k_embedding_forward.tokens][std::size_t(n * shape.width + c)];
      const auto i = std::size_t(k * shape.width + c);
      product.push_back(dot);
      if (shape.has(ids[std::size_t(k)]) && shape.has_position(place))
        allowed[i] += 2 * reference::k_unit_roundoff<double> * std::abs(dot);
      else if (!std::isnan(x.got[i]))
        return fmt::format("id {} or position {} is none, and x is {:a}", ids[std::size_t(k)],
                           place, x.got[i]);
      else
        allowed[i] = reference::k_infinity;
    }
  }
  return differ(x.got, product, allowed);
}

// dtokens = one_hot^T dx, likewise.
std::string broken_transposed_product(const subject& s) {
  case_inputs in =
      s.with_values(k_embedding_backward.dx, [](double dx) { return std::isfinite(dx) ? dx : 0; });
  const embedding_shape shape = embedding_shape::of(in.id);
  const std::vector<std::int64_t> ids = embedding_ids(in);
  const bounded_output tokens = s.outputs(in)[0];
  std::vector<double> product, allowed = tokens.reach;
  for (std::int64_t n = 0; n < shape.tokens; ++n)
    for (std::int64_t c = 0; c < shape.width; ++c) {
      double dot = 0, magnitude = 0;
      for (std::int64_t k = 0; k < shape.ids(); ++k) {
        const double term = one_hot(ids, k, n) *
                            in.values[k_embedding_backward.dx][std::size_t(k * shape.width + c)];
        dot += term;
        magnitude += std::abs(term);
      }
      allowed[product.size()] +=
          2 * double(shape.ids()) * reference::k_unit_roundoff<double> * magnitude;
      product.push_back(dot);
    }
  return differ(tokens.got, product, allowed);
}

// Rows of either table that nobody asked for have +0.
std::string broken_rest(const subject& s) {
  const embedding_shape shape = embedding_shape::of(s.inputs().id);
  const std::vector<bounded_output> all = s.outputs();
  const auto tokens = reference::places_of(embedding_ids(s.inputs()), shape.tokens);
  const auto wrong = [&](std::size_t output, std::int64_t row) -> std::string {
    for (std::int64_t c = 0; c < shape.width; ++c) {
      const double got = all[output].got[std::size_t(row * shape.width + c)];
      if (!reference::same(got, 0))
        return fmt::format("{} {} was not asked for, and has {:a}",
                           output == 0 ? "token" : "position", row, got);
    }
    return {};
  };
  std::string what;
  for (std::int64_t n = 0; n < shape.tokens && what.empty(); ++n)
    if (tokens[std::size_t(n)].empty()) what = wrong(0, n);
  for (std::int64_t i = shape.batch > 0 ? shape.length : 0; i < shape.positions && what.empty();
       ++i)
    what = wrong(1, i);
  return what;
}

// Where all ids are tokens, both gradients add up to what dx adds up to, column by column.
std::string broken_sums(const subject& s) {
  const embedding_shape shape = embedding_shape::of(s.inputs().id);
  if (shape.tokens == 0) return {};
  case_inputs in =
      s.with_values(k_embedding_backward.dx, [](double dx) { return std::isfinite(dx) ? dx : 0; });
  for (double& id : in.values[k_embedding_backward.ids])
    if (!shape.has(std::int64_t(id))) id = 0;
  const std::vector<bounded_output> out = s.outputs(in);
  for (std::int64_t c = 0; c < shape.width; ++c) {
    double sums[2] = {0, 0}, room = 0, magnitude = 0;
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t i = std::size_t(c); i < out[k].got.size(); i += std::size_t(shape.width)) {
        sums[k] += out[k].got[i];
        room += out[k].reach[i];
        magnitude += std::abs(out[k].got[i]);
      }
    const double terms = double(shape.tokens + shape.positions);
    if (!std::isfinite(room)) continue;
    room = (1 + terms * 0x1p-50) * room + terms * reference::k_unit_roundoff<double> * magnitude;
    if (std::string what = differ({sums[0]}, {sums[1]}, {room}); !what.empty())
      return fmt::format("column {}: {}", c, what);
  }
  return {};
}

}  // namespace

void add_embedding_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("tokens under other names change no bit", broken_names);
  if (c.direction == "fwd") {
    add("a row depends on its own token and position alone", broken_independence);
    add("one-hot rows times the tables", broken_product);
    if (c.variant == "offset")
      add("a token more before, in a table that begins a row earlier, changes no bit",
          broken_offset);
    return;
  }
  add("one-hot columns times the gradient from above", broken_transposed_product);
  add("rows that nobody asked for have a gradient of +0", broken_rest);
  add("the gradients of tokens and of positions add up to the same", broken_sums);
}

}  // namespace assay::properties

#include "properties/sampling_properties.hpp"

#include "properties/property.hpp"
#include "properties/sampling_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr std::size_t k_temperature = 0, k_top_k = 1, k_top_p = 2;

// A parameter of the case, and of its id.
void set_parameter(case_inputs& in, std::size_t which, double value) {
  const std::string& name = contract_of(in.id).parameters[which].name;
  in.parameters[which] = value;
  for (field& each : in.id.shape)
    if (each.key == name) each.value = value;
}

// Rows that have a next token.
std::vector<bool> rows_with_token(const case_inputs& in) {
  std::vector<bool> all;
  for (const double token : next_tokens(in)) all.push_back(token != k_no_token);
  return all;
}

// says(row, its logits, its token, which is one of the row's) of every row that has one.
template <class Says>
std::string each_token(const case_inputs& in, const std::vector<double>& tokens, const Says& says) {
  const sampling_rows rows = sampling_rows::of(in);
  const std::vector<bool> has = rows_with_token(in);
  for (std::size_t r = 0; r < tokens.size(); ++r) {
    const double token = tokens[r];
    if (!has[r] && token == k_no_token) continue;
    if (!has[r] || !(token >= 0 && token < double(rows.columns)) || token != std::floor(token))
      return fmt::format("row {} has the token {}", r, token);
    if (std::string what = says(r, rows.logits(in, std::int64_t(r)), std::size_t(token));
        !what.empty())
      return fmt::format("row {}, token {}: {}", r, token, what);
  }
  return {};
}

// Of a token that top-k keeps, fewer than k logits are larger; none is -infinity.
std::string broken_kept(const subject& s) {
  const sampling_rows rows = sampling_rows::of(s.inputs());
  const std::int64_t most = rows.by.temperature == 0 ? 1
                            : rows.limits_count()    ? rows.by.top_k
                                                     : rows.columns;
  return each_token(s.inputs(), s.outputs()[0].got,
                    [&](std::size_t, std::span<const double> x, std::size_t token) -> std::string {
                      if (x[token] == -reference::k_infinity) return "its logit is -infinity";
                      const auto larger = std::count_if(
                          x.begin(), x.end(), [&](double each) { return each > x[token]; });
                      return larger < most ? "" : fmt::format("{} logits are larger", larger);
                    });
}

// Rows in reverse order, each with what draws its token; and the first of them alone.
std::string broken_batch(const subject& s) {
  case_inputs turned = s.inputs(), alone = s.inputs();
  const auto rows = std::size_t(turned.id.dimension("rows"));
  for (auto& tensor : turned.values) tensor = reversed(tensor, rows);
  bounded_output here = s.outputs()[0], there = s.outputs(turned)[0];
  there.got = reversed(there.got, rows);
  if (std::string what = unlike({here}, {there}); !what.empty() || rows == 0) return what;
  alone.id.shape.front().value = 1;
  for (auto& tensor : alone.values) tensor.resize(tensor.size() / rows);
  here.got.resize(1);
  return unlike({here}, s.outputs(alone));
}

// Logits on a coarse grid, all moved by a step of it: each difference is what it was.
std::string broken_shift(const subject& s) {
  const auto on_grid = [&](double shift) {
    return s.outputs(s.with_values(k_token_logits, [=](double x) {
      return std::isfinite(x) ? std::clamp(std::nearbyint(x * 4) / 4, -8.0, 8.0) + shift : x;
    }));
  };
  return unlike(on_grid(0), on_grid(-16));
}

// Of each row one token is left.
std::string broken_single(const subject& s) {
  case_inputs in = s.inputs();
  const std::int64_t columns = in.id.dimension("v");
  const auto left = [&](std::int64_t row) { return (row * 7 + 3) % columns; };
  auto& logits = in.values[k_token_logits];
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const bool lives = std::int64_t(i) % columns == left(std::int64_t(i) / columns);
    logits[i] = !lives ? -reference::k_infinity : std::isfinite(logits[i]) ? logits[i] : -1;
  }
  return each_token(in, s.outputs(in)[0].got,
                    [&](std::size_t r, std::span<const double>, std::size_t token) -> std::string {
                      return std::int64_t(token) == left(std::int64_t(r)) ? "" : "it cannot come";
                    });
}

// The same logits, given to the greedy kernel.
std::vector<double> greedy_tokens(const subject& s, const case_inputs& in) {
  case_inputs greedy = in;
  greedy.id.variant = "greedy";
  std::erase_if(greedy.id.types, [](const tensor_type& each) {
    return each.name != "logits" && each.name != "tokens";
  });
  std::erase_if(greedy.id.shape, [&](const field& each) {
    const auto& all = contract_of(in.id).parameters;
    return std::any_of(all.begin(), all.end(),
                       [&](const parameter_spec& p) { return p.name == each.key; });
  });
  greedy.values.resize(1);
  greedy.parameters.clear();
  return s.with_function(greedy).outputs()[0].got;
}

// Temperature 0; a share of 0; and, where no other logit equals the largest, k = 1.
std::string broken_greedy(const subject& s) {
  const std::vector<double> greedy = greedy_tokens(s, s.inputs());
  for (const auto& [parameter, value] :
       {std::pair{k_temperature, 0.0}, {k_top_p, 0.0}, {k_top_k, 1.0}}) {
    case_inputs in = s.inputs();
    if (parameter != k_temperature && in.parameters[k_temperature] == 0) continue;
    set_parameter(in, parameter, value);
    const bool count = parameter == k_top_k;
    const std::string what =
        each_token(in, s.outputs(in)[0].got,
                   [&](std::size_t r, std::span<const double> x, std::size_t token) -> std::string {
                     const auto same = std::count(x.begin(), x.end(), x[token]);
                     if (double(token) == greedy[r] ||
                         (count && same > 1 && x[token] == x[std::size_t(greedy[r])]))
                       return {};
                     return fmt::format("greedy takes {}", greedy[r]);
                   });
    if (!what.empty()) return what;
  }
  return {};
}

std::string broken_all(const subject& s) {
  case_inputs all = s.inputs();
  set_parameter(all, k_top_k, 0);
  set_parameter(all, k_top_p, 1);
  const std::vector<bounded_output> right = s.outputs(all);
  const auto columns = double(all.id.dimension("v"));
  for (const double k : {columns, columns + 5}) {
    case_inputs in = all;
    set_parameter(in, k_top_k, std::min(k, 0x1p24));
    if (std::string what = unlike(right, s.outputs(in)); !what.empty()) return what;
  }
  return {};
}

// Half of each u draws the same token, or one before it.
std::string broken_growth(const subject& s) {
  const bounded_output more = s.outputs()[0],
                       less = s.outputs(s.with_values(k_given_u, [](double u) {
                         return draws_a_token(u) ? double(float(u / 2)) : u;
                       }))[0];
  for (std::size_t r = 0; r < more.got.size(); ++r) {
    for (const bounded_output& each : {more, less})
      if (std::string what = no_number(each, r); !what.empty()) return what;
    if (!(less.got[r] <= more.got[r]) || (less.got[r] < 0) != (more.got[r] < 0))
      return fmt::format("row {}: half of u draws {}, and u {}", r, less.got[r], more.got[r]);
  }
  return {};
}

// A row's number is of its own place: every row becomes a copy of the first, with its place.
std::string broken_place(const subject& s) {
  case_inputs in = s.inputs();
  const auto rows = std::size_t(in.id.dimension("rows"));
  if (rows == 0) return {};
  for (auto& tensor : in.values) {
    const std::size_t size = tensor.size() / rows;
    for (std::size_t i = size; i < tensor.size(); ++i) tensor[i] = tensor[i - size];
  }
  const bounded_output got = s.outputs(in)[0];
  for (std::size_t r = 0; r < rows; ++r) {
    if (std::string what = no_number(got, r); !what.empty()) return what;
    if (got.got[r] != got.got[0])
      return fmt::format("rows 0 and {} are one, and have {} and {}", r, got.got[0], got.got[r]);
  }
  return {};
}

}  // namespace

void add_sampling_properties(contract& c) {
  c.properties = {{"what comes is kept, and no -infinity", broken_kept},
                  {"a row's token knows its own row alone", broken_batch},
                  {"logits moved by a constant give the same token", broken_shift},
                  {"one live token always comes", broken_single}};
  if (c.variant == "greedy") return;
  c.properties.push_back({"temperature 0, k = 1 and p = 0 are greedy", broken_greedy});
  c.properties.push_back({"k beyond the vocabulary and p = 1 drop nothing", broken_all});
  if (c.variant == "draw")
    c.properties.push_back({"a larger u draws no token before", broken_growth});
  else
    c.properties.push_back({"one row in one place has one token", broken_place});
}

}  // namespace assay::properties

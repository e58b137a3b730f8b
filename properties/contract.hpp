// What a component promises, and who claims to keep it.
//
// A contract names the tensors of one function (component.variant.direction), computes the truth
// from its inputs, and lists its implementations with their numerics. Everything else in the rig
// (check, exhaustive, fuzzing, goldens, benchmarks) works from the contract alone.
#pragma once

#include "optimized/dtype.hpp"
#include "properties/case.hpp"
#include "properties/compare.hpp"
#include "properties/model.hpp"
#include "reference/elementwise.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace assay::properties {

// How a tensor's elements come about. A gradient from above is drawn so that it does not hide what
// the case is about: normal, but 1 under `patterns`, and as the case says under `special`, `exact`
// and `constant`. Lengths are integers from 0 to the size of a dimension, or to the product of the
// sizes of two, and indices integers from 0 to one less; each is equally likely whatever the case's
// distribution, and so are flags, 0 or 1. (Of an empty dimension the index is 0, which then is
// none.) Targets are indices, and one in 8 of them -100, which is none. Slopes are positive and at
// most 1, in binades down to 2^-8, one in 16 of them 0.
enum class drawn { by_case, as_gradient, as_length, as_index, as_target, as_flag, as_slope };

struct tensor_spec {
  std::string name;
  // Names of dimensions, or multiples of one ("3c"), outermost first; "q/64" is q in blocks of 64,
  // the last of them maybe short. Empty: one element.
  std::vector<std::string> shape;
  drawn how = drawn::by_case;  // of inputs
  std::string up_to = {};  // as_length: the dimension whose size is the largest of them, or two,
                           // as "slots page"; as_index: the dimension
};
// What `up_to` comes to in a case.
std::int64_t most_of(const tensor_spec& tensor, const case_id& id);

struct parameter_spec {
  std::string name;
  double otherwise = 0;
  std::string about;
  double least = -0x1.fffffep127, most = 0x1.fffffep127;  // once rounded to fp32, if not `whole`
  bool whole = false;                                     // an integer, of double's
};

// What an implementation promises over ALL inputs of a dtype; `assay exhaustive` holds it to that.
struct stated_accuracy {
  dtype type = dtype::fp32;
  double ulps = 0.5;  // largest error, in ULPs of the output
  std::int64_t misrounded =
      0;  // how many results are not the correctly rounded ones; negative: not stated
};

// The error of a fused routine over all inputs of a dtype: found by an exhaustive run, kept true by
// one (16-bit dtypes in every test run).
struct routine_error {
  dtype type = dtype::fp32;
  double fp32_ulps = 0.5;        // of the fp32 result, before it is rounded to the dtype
  std::int64_t misrounded = -1;  // results that are not correctly rounded; negative: not stated
  double floor = 0;              // absolute error of the fp32 result where that exceeds fp32_ulps
};

struct implementation {
  std::string name;
  std::string about;     // the form it computes, in one line
  std::string numerics;  // its arithmetic: types, order of accumulation, where it rounds
  std::shared_ptr<const rounding_model> model;
  std::vector<stated_accuracy> stated;
  std::vector<routine_error> routine;  // where the model is nothing but a routine's stated error
  // First inputs of an element for which the implementation makes its promise; empty: all of the
  // contract's. Elements outside are counted and not judged.
  std::function<bool(double x)> domain;
  std::string domain_text;
  // The same for functions of rows: of each element of an output, is anything promised of it?
  std::function<std::vector<bool>(const case_inputs&, std::size_t output)> promises;
  bool deterministic = true;  // the same bits in every run, whatever the schedule
  // The same bits on the emulator and on a GPU: made of IEEE operations alone, without the special
  // function unit or tensor cores. A run on cuda is held to it.
  bool same_bits_on_emulator = true;
  bool in_place = false;  // the first output may be the first input
  // Bytes of global memory that a case moves, where that is more than the contract's cost and
  // scratch memory written and read once; counted in ctest.
  std::function<double(const case_id&)> traffic;
  bool keeps_zero_sign = true;  // a result that is zero has the sign of the truth
  // Dtypes of the first input that there are kernels for; empty: all of the contract's.
  std::vector<dtype> dtypes;
  // Why the implementation does not take a case, or nothing; such a run is `unsupported`.
  std::function<std::string(const case_id&)> declines;
};

struct cost {
  double bytes = 0;  // of compulsory traffic: every input read once, every output written once
  double flops = 0;
};

// A contract's truths in many digits, for goldens: nothing of the machine's C library is in them.
// Every value is correctly rounded to the output's dtype (`rounded`), and as a double at most
// `error` off; below 2^-700 it is a zero with its sign.
struct precise_reference {
  std::string tier;  // of the reference, in words
  int digits = 0;    // decimal, of the arithmetic: at least
  std::function<std::vector<truth>(const case_inputs&)> exact;
};

// Where each element of an output stands on a map of two of the contract's dimensions, so that a
// report can say where the bound is used up (fraction_map.hpp).
struct map_place {
  std::int64_t row = 0, column = -1;  // column: -1 where the element has none
};
// What a map is made of: a run's outputs and their truths, and how much of a dimension is a block.
struct mapped_run {
  const case_inputs& inputs;
  const std::vector<truth>& exact;
  const std::vector<std::vector<double>>& got;
  std::int64_t row_block = 1, column_block = 1;
};
struct element_map {
  std::string rows, columns;  // the dimensions
  // One an element, in the output's order. Empty: the contract has no map.
  std::function<std::vector<map_place>(const mapped_run&, std::size_t output)> places;
};

// What must hold whatever the numbers are (property.hpp).
class subject;
struct property {
  std::string statement;  // "gelu(x) - gelu(-x) = x"
  // Empty where it holds for this implementation on these inputs; else what does not, in one line.
  std::function<std::string(const subject&)> broken;
};

struct contract {
  std::string component, variant, direction;
  std::string about;  // the formula
  std::vector<std::string> dimensions;
  // Sizes that kernels are made for, of dimensions that have such: what fuzzing draws from. Of the
  // others the last, and those named here without sizes, are drawn as lengths.
  std::map<std::string, std::vector<std::int64_t>> usual;
  // Where there are such, fuzzing draws as many elements of the other dimensions as this, and no
  // more: for functions whose work grows faster than their tensors. 0: as many as it likes.
  std::int64_t most_drawn = 0;
  // Dimensions whose size is a multiple of a number, or of a parameter; of the others it may be
  // any.
  std::map<std::string, std::int64_t> multiples;
  std::map<std::string, std::string> divided_by;
  // Dimensions, and parameters that are whole numbers, that are no larger than a dimension.
  std::map<std::string, std::string> at_most;
  std::vector<tensor_spec> inputs, outputs;
  std::vector<parameter_spec> parameters;
  std::vector<std::vector<dtype>> signatures;  // dtypes of inputs, then outputs
  // Kernels take rows with gaps between them (`pad=` of a case): of all tensors whose last
  // dimension is the contract's, or one of these.
  bool takes_gaps = false;
  std::vector<std::string> gapped;
  // Outputs but the first (or all, or what a count of all indices scales) are sums over the first
  // dimension: what the last of its indices give cannot be had without the others.
  bool sums_over_first = false;
  // What becomes of drawn inputs, where one depends on more than its own element: by IEEE
  // operations alone, values of their dtypes. Empty: nothing.
  std::function<void(case_inputs&)> finish_inputs;
  // Why nobody can mean inputs that he gives (`assay run`), or nothing: an index of no row, say,
  // for which kernels have a policy because they cannot say so. Empty: any will do.
  std::function<std::string(const case_inputs&)> objection;
  std::function<std::vector<truth>(const case_inputs&)> exact;  // one truth an output
  precise_reference precise;  // its `exact` may be empty: there is none
  std::function<std::vector<comparison_policy>()> policies;  // one an output; empty: the default
  // The share of a case's inputs that are masked, where inputs can be: told by `assay fuzz`.
  std::function<double(const case_inputs&)> masked_share;
  // Elements of an output that come from one reduction (scatter_model::group); empty: 1.
  std::function<std::int64_t(const case_id&, std::size_t output)> group;
  element_map map;
  std::vector<implementation> implementations;
  std::vector<case_id> cases;  // what `check` runs
  case_id decoy_case;          // on which every decoy (decoys.hpp) is wrong
  // Of a size worth timing, but for its first dimension, which the benchmark sets.
  case_id timed_case;
  std::vector<property> properties;
  std::function<cost(const case_id&)> cost_of;
  // The element-wise function behind the contract, for exhaustive runs: first output = f(first
  // input) with every other input 1; its parameter is the contract's first.
  std::optional<reference::elementwise> elementwise;

  std::string function() const { return component + "." + variant + "." + direction; }
  const implementation* find(const std::string& name) const;
};

// The contract's signatures that an implementation takes.
std::vector<std::vector<dtype>> signatures_of(const contract& c, const implementation& by);

// All contracts, in the order of the components.
const std::vector<contract>& contracts();
// Adds a contract that no component of this repository brings: a user's own, from a library. Do it
// before anything runs; references to contracts end here. Throws bad_input where there is one of
// that function already.
void add_contract(contract added);
// The contract an id speaks of; throws bad_input with the nearest names where there is none.
const contract& contract_of(const case_id& id);

// A parameter as truth, model and kernels take it: rounded to fp32 if it is no whole number. Throws
// bad_input where it is not finite, outside its range, or no integer where it should be one.
double parameter_value(const parameter_spec& spec, double given);

// What the size of a dimension is a multiple of: 1 where the contract says nothing.
std::int64_t multiple_of(const contract& c, const std::string& dimension);

// Which dimension is no multiple of the parameter that divides it (the one that `id` gives, or its
// default; 1 at least), or which one, or which parameter, is larger than a dimension that it may
// not exceed: in words; or nothing.
std::string misfit(const contract& c, const case_id& id);

// Is `id` a case of `c`: the right tensors with a known combination of dtypes, all dimensions,
// known finite parameters, sizes that can be, each key in its place? Throws bad_input that says
// what is wrong.
void validate(const contract& c, const case_id& id);

// An extent of a tensor, as its specification names it: so many times a dimension, or so many
// blocks of it.
struct named_extent {
  std::int64_t times = 1, block = 1;
  std::string dimension;

  std::int64_t of_size(std::int64_t size) const {
    return times * (size / block + (size % block != 0));
  }
  static named_extent of(const std::string& name);
};

// The shape of a tensor in a case.
std::vector<std::int64_t> shape_of(const tensor_spec& tensor, const case_id& id);

// Distances between neighbours along each dimension, in elements; empty: contiguous. Of a case with
// pad=N the rows of the first tensor that has any lie N elements apart, those of the second 2 N,
// and so on: a kernel that takes one tensor's stride for another's is found out.
std::vector<std::int64_t> strides_of(const contract& c, const case_id& id, std::size_t tensor);

// Elements of the largest tensor (0 where a dimension is), and those of one index of the first
// dimension: a piece, which is computed independently of the others but for reductions to a scalar.
std::int64_t elements_of(const contract& c, const case_id& id);
std::int64_t piece_elements_of(const contract& c, const case_id& id);

// The inputs of a case, made from its id; and one of them as it is drawn.
case_inputs make_inputs(const contract& c, const case_id& id);
std::vector<double> drawn_input(const contract& c, const case_id& id, std::size_t input);

}  // namespace assay::properties

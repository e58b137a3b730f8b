// How the kernels of optimized/attention_decode.cuh compute a row from splits of its keys,
// operation by operation, in either arithmetic of arithmetic.hpp.
//
// Every part is relative to the largest score of its own split, as it is held; what it is
// multiplied by makes it relative to the largest of all. That is the rescaling of
// attention_model.hpp: the same factors, with the same error, once for each part instead of once
// for each tile. The combined sums then are relative to one maximum, whose error cancels as it does
// there.
#pragma once

#include "properties/attention_model.hpp"

namespace assay::properties {

// How a kernel divides its work: keys of a split, and what a team of threads has of a key.
struct decode_division {
  std::int64_t keys = 256, lanes = 4, chunk = 4;  // chunk: elements of a thread

  // Threads of a team: the fewest that hold a row, a power of two from 4 on.
  static decode_division of(std::int64_t keys, std::int64_t width, std::int64_t element_bytes) {
    decode_division all{keys, 4, 16 / element_bytes};
    while (all.lanes * all.chunk < width) all.lanes *= 2;
    return all;
  }
  std::int64_t teams() const { return 128 / lanes; }
  std::int64_t splits_of(std::int64_t count) const {
    return std::max<std::int64_t>(1, (count + keys - 1) / keys);
  }
};

template <class Arithmetic>
class decode_arithmetic : attention_arithmetic<Arithmetic> {
  using base = attention_arithmetic<Arithmetic>;

 public:
  using typename base::result;
  using typename base::value;

  decode_arithmetic(const Arithmetic& arithmetic, double scale, double scale_error,
                    const decode_division& by)
      : base(arithmetic, attention_algorithm::simple, scale, scale_error, reference::k_fp32),
        by_(by) {}

  // A query against the keys [0, keys.count) that it sees.
  result row(std::span<const double> q, const reference::head_matrix<double>& keys,
             const reference::head_matrix<double>& values) const {
    result r{std::vector<value>(q.size(), Arithmetic::exact(0))};
    if (keys.count == 0) return r;
    const std::vector<value> s = scores(q, keys);
    std::vector<largest> each;
    largest most;
    for (std::int64_t begin = 0; begin < keys.count; begin += by_.keys) {
      largest& m = each.emplace_back();
      for (std::int64_t j = begin; j < std::min(keys.count, begin + by_.keys); ++j)
        m = this->larger(m, s[std::size_t(j)]);
      most = this->larger(most, m.score);
    }
    double room = this->slack(most);
    for (const largest& m : each) room = std::max(room, this->slack(m));
    const frame in = this->within(room);
    part all;
    for (std::size_t k = 0; k < each.size(); ++k)
      add(in, all, part_of(in, s, values, std::int64_t(k) * by_.keys, each[k]),
          each.size() > 1 ? this->factor(each[k], most) : Arithmetic::exact(1));
    const value inverse = in.wide.div(Arithmetic::exact(1), all.l);
    for (std::size_t d = 0; d < q.size(); ++d) r.o[d] = this->a_.mul(all.o[d], inverse);
    r.lse = this->logarithm(all.l, most, room);
    return r;
  }

 private:
  using typename base::frame;
  using typename base::largest;
  struct part {
    value l;
    std::vector<value> o;
  };

  // A thread multiplies its chunk in order; then the upper half of a team is added to the lower.
  std::vector<value> scores(std::span<const double> q,
                            const reference::head_matrix<double>& keys) const {
    std::vector<value> s;
    for (std::int64_t j = 0; j < keys.count; ++j) {
      const auto k = keys.row(j);
      std::vector<value> dots;
      for (std::size_t d = 0; d < q.size(); ++d) {
        if (d % std::size_t(by_.chunk) == 0) dots.push_back(Arithmetic::exact(0));
        dots.back() = this->a_.fma(Arithmetic::exact(q[d]), Arithmetic::exact(k[d]), dots.back());
      }
      s.push_back(this->a_.mul(sum(this->a_, order{{tree{}}}, std::move(dots)), this->scale_));
    }
    return s;
  }

  // Of the split that begins at key `begin`: weights are added up by 32 lanes, weighted values by
  // teams of threads.
  part part_of(const frame& in, const std::vector<value>& s,
               const reference::head_matrix<double>& values, std::int64_t begin,
               const largest& m) const {
    const std::int64_t end = std::min(values.count, begin + by_.keys);
    std::vector<value> weights;
    const auto teams = std::size_t(std::min(by_.teams(), end - begin));
    std::vector<std::vector<value>> o(std::size_t(values.width),
                                      std::vector<value>(teams, Arithmetic::exact(0)));
    for (std::int64_t j = begin; j < end; ++j) {
      weights.push_back(this->weight(in, s[std::size_t(j)], m));
      const auto v = values.row(j);
      const auto team = std::size_t((j - begin) % by_.teams());
      for (std::size_t d = 0; d < v.size(); ++d)
        o[d][team] = in.wide.fma(weights.back(), Arithmetic::exact(v[d]), o[d][team]);
    }
    part made{sum(in.wide, order{{interleaved{32, 1}, tree{}}}, std::move(weights)), {}};
    for (std::vector<value>& column : o)
      made.o.push_back(sum(in.wide, order{{tree{}}}, std::move(column)));
    return made;
  }

  // The first part, or one more. (Times 1, and added to nothing, rounds nothing.)
  void add(const frame& in, part& all, const part& more, const value& factor) const {
    const bool first = all.o.empty(), whole = base::center(factor) == 1 && is_exact(factor);
    if (first && whole) {
      all = more;
      return;
    }
    if (first) {
      all.l = in.wide.mul(factor, more.l);
      for (const value& o : more.o) all.o.push_back(in.wide.mul(factor, o));
      return;
    }
    all.l = in.wide.fma(factor, more.l, all.l);
    for (std::size_t d = 0; d < all.o.size(); ++d)
      all.o[d] = in.wide.fma(factor, more.o[d], all.o[d]);
  }
  static bool is_exact(const value& v) {
    if constexpr (base::k_follows)
      return v.after == 0;
    else
      return v.before == v.after;
  }

  decode_division by_;
};

}  // namespace assay::properties

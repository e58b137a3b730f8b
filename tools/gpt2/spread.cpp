#include "tools/gpt2/spread.hpp"

#include "properties/values.hpp"
#include "reference/gpt2_gradient.hpp"
#include "tools/gpt2/norm.hpp"
#include "tools/gpt2/perturbed.hpp"

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>

namespace assay::gpt2 {
namespace {

constexpr std::uint64_t k_far_apart = 0x632be59bd9b4e019;  // odd: seeds stay different

// Everything that is judged of one run, by name.
using results = std::map<std::string, std::vector<double>>;

template <class R>
std::vector<double> as_doubles(std::span<const R> values) {
  std::vector<double> all;
  for (const R& each : values) all.push_back(static_cast<double>(each));
  return all;
}

template <class R>
results run_of(const model& of, const reference::named_tensors<R>& parameters,
               const reference::token_batch& tokens, const std::vector<std::int64_t>& targets,
               const typename reference::gpt2<R>::observer& seen) {
  const reference::gpt2<R> model(of.config, parameters);
  const reference::named_tensors<R> values = model.forward(tokens, seen);
  const std::span<const R> logits = values.at("logits").elements();
  auto loss = reference::loss_of<R>(logits, targets);
  results all = {{"logits", as_doubles(logits)}, {"loss", {static_cast<double>(loss.mean)}}};
  const auto gradients =
      reference::gpt2_gradient<R>(model, tokens, values).from(std::move(loss.gradient), seen);
  for (const auto& [name, parameter] : parameters)
    all["gradient." + name] = as_doubles(gradients.at(name).elements());
  return all;
}

results perturbed_run(const model& of, const reference::token_batch& tokens,
                      const std::vector<std::int64_t>& targets, dtype type) {
  reference::named_tensors<perturbed> parameters;
  for (const auto& [name, parameter] : of.parameters) {
    const auto values = parameter.elements();
    parameters.emplace(
        name, reference::tensor<perturbed>(parameter.extents(), {values.begin(), values.end()}));
  }
  const reference::format held = properties::format_of(type);
  const auto hold = [&](std::string_view name, reference::tensor<perturbed>& value) {
    // Statistics of rows stay in fp32, whatever the dtype.
    if (name.ends_with(".mean") || name.ends_with(".rstd") || name.ends_with(".lse")) return;
    for (perturbed& each : value.elements())
      each = perturbed_to(static_cast<double>(each), held.precision, held.e_min);
  };
  if (type == dtype::fp32) return run_of<perturbed>(of, parameters, tokens, targets, {});
  return run_of<perturbed>(of, parameters, tokens, targets, hold);
}

// Means over the rows of logits.
void compare_predictions(spread_report& report, const std::vector<double>& got,
                         const std::vector<double>& exact, std::int64_t vocabulary) {
  const auto width = std::size_t(vocabulary);
  const std::size_t rows = got.size() / width;
  std::int64_t agreeing = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::span<const double> g(&got[r * width], width), e(&exact[r * width], width);
    const std::vector<double> p = reference::log_softmax<double>(e),
                              q = reference::log_softmax<double>(g);
    for (std::size_t j = 0; j < width; ++j)
      report.divergence += std::exp(p[j]) * (p[j] - q[j]) / double(rows);
    agreeing += std::max_element(g.begin(), g.end()) - g.begin() ==
                std::max_element(e.begin(), e.end()) - e.begin();
  }
  report.agreement = rows == 0 ? 1 : double(agreeing) / double(rows);
}

double norm_of(const results& all) {
  double sum = 0;
  for (const auto& [name, values] : all)
    if (name.starts_with("gradient.")) sum += sum_of_squares(values);
  return std::sqrt(sum);
}

}  // namespace

judged_distance judged(const std::string& name, double distance, const std::vector<double>& runs) {
  constexpr double k_false_alarms = 1e-6;
  // Of a distance of zero there is no logarithm: as if it were the least that double knows.
  const auto logarithm = [](double x) { return std::log(std::max(x, 0x1p-1000)); };
  const double n = double(runs.size());
  double mean = 0, squares = 0, plain = 0;
  for (const double each : runs) mean += logarithm(each) / n, plain += each / n;
  for (const double each : runs) squares += std::pow(logarithm(each) - mean, 2);
  const double deviation = std::sqrt(squares / (n - 1)),
               t = boost::math::quantile(
                   boost::math::complement(boost::math::students_t(n - 1), k_false_alarms));
  return {name, distance, plain, std::exp(mean + t * deviation * std::sqrt(1 + 1 / n))};
}

namespace {

class perturbed_engine : public engine {
 public:
  perturbed_engine(const model& of, dtype type, std::uint64_t seed)
      : of_(of), type_(type), seed_(seed) {}

  std::unique_ptr<session> begin(std::int64_t) override {
    return begin_without_cache(*this, of_.config);
  }
  std::vector<double> logits(const reference::token_batch& tokens) override {
    return run(tokens, std::vector<std::int64_t>(tokens.ids.size(), -1)).at("logits");
  }
  loss_result loss(const reference::token_batch& tokens, const std::vector<std::int64_t>& targets,
                   bool) override {
    const results all = run(tokens, targets);
    loss_result result{all.at("loss")[0], {}};
    for (const auto& [name, parameter] : of_.parameters)
      result.gradients.emplace(
          name, reference::tensor<double>(parameter.extents(), all.at("gradient." + name)));
    return result;
  }

 private:
  results run(const reference::token_batch& tokens, const std::vector<std::int64_t>& targets) {
    perturbation::seed(seed_++ * k_far_apart);
    return perturbed_run(of_, tokens, targets, type_);
  }

  const model& of_;
  dtype type_;
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<engine> make_perturbed_engine(const model& of, dtype type, std::uint64_t seed) {
  return std::make_unique<perturbed_engine>(of, type, seed << 32);
}

spread_report judge_by_spread(const model& of, const reference::token_batch& tokens,
                              const std::vector<std::int64_t>& targets, dtype type,
                              const std::vector<double>& logits, const loss_result& got, int runs,
                              std::uint64_t seed) {
  const results exact = run_of<double>(of, of.parameters, tokens, targets, {});
  results mine = {{"logits", logits}, {"loss", {got.loss}}};
  for (const auto& [name, gradient] : got.gradients) {
    const auto values = gradient.elements();
    mine["gradient." + name] = {values.begin(), values.end()};
  }
  std::map<std::string, std::vector<double>> distances;
  for (int run = 0; run < runs; ++run) {
    perturbation::seed((seed + std::uint64_t(run)) * k_far_apart);
    for (const auto& [name, values] : perturbed_run(of, tokens, targets, type))
      distances[name].push_back(relative_distance(values, exact.at(name)));
  }
  spread_report report;
  for (const auto& [name, values] : mine)
    report.judged.push_back(
        judged(name, relative_distance(values, exact.at(name)), distances.at(name)));
  compare_predictions(report, logits, exact.at("logits"), of.config.vocabulary);
  report.exact_loss = exact.at("loss")[0], report.loss = got.loss;
  report.exact_norm = norm_of(exact), report.norm = norm_of(mine);
  return report;
}

}  // namespace assay::gpt2

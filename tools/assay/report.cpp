#include "tools/assay/report.hpp"

#include "properties/bad_input.hpp"
#include "properties/safetensors.hpp"
#include "tools/assay/terminal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <cmath>
#include <filesystem>
#include <map>

namespace assay::tools {

using namespace properties;
using nlohmann::json;

namespace {

json number(double x) {
  if (std::isfinite(x)) return x;
  return std::isnan(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

std::vector<dimension> dimensions_of(const tensor_spec& tensor, const case_id& id) {
  const std::vector<std::int64_t> extents = shape_of(tensor, id);
  std::vector<dimension> all;
  for (std::size_t d = 0; d < extents.size(); ++d) all.push_back({tensor.shape[d], extents[d]});
  return all;
}

json to_json(const verdict& v, const std::vector<dimension>& shape) {
  return {{"elements", v.elements},
          {"judged", v.judged},
          {"failed", v.failed},
          {"misrounded", v.misrounded},
          {"unbounded", v.unbounded},
          {"worst_fraction", number(v.worst_fraction)},
          {"worst_ulps", number(v.worst_ulps)},
          {"bias_ulps", number(v.bias_ulps)},
          {"worst",
           {{"index", v.worst.index},
            {"position", v.worst.index < 0 ? "" : position_of(v.worst.index, shape)},
            {"got", number(v.worst.got)},
            {"expected", number(v.worst.expected)},
            {"fraction", number(v.worst.fraction)},
            {"ulps", number(v.worst.ulps)}}},
          {"pattern", pattern_of(v, shape)},
          {"reason", v.reason}};
}

json to_json(const scatter_verdict& v) {
  return {{"judged", v.judged},
          {"energy", number(v.energy)},
          {"energy_limit", number(v.energy_limit)},
          {"bias", number(v.bias)},
          {"bias_limit", number(v.bias_limit)},
          {"reason", v.reason()}};
}

// Cells as [row, column, worst fraction, elements]; a column is null where there is none.
json to_json(const fraction_map& map) {
  json cells = json::array();
  for (const fraction_cell& each : map.cells)
    cells.push_back({each.row, each.column < 0 ? json() : json(each.column),
                     number(each.worst_fraction), each.elements});
  return {{"rows", map.rows},
          {"columns", map.columns},
          {"block", {map.row_block, map.column_block}},
          {"cells", cells}};
}

json to_json(const simt::counters& c) {
  return {{"global_load_bytes", c.global_load_bytes},
          {"global_load_sectors", c.global_load_sectors},
          {"global_store_bytes", c.global_store_bytes},
          {"global_store_sectors", c.global_store_sectors},
          {"shared_wavefronts", c.shared_wavefronts},
          {"shared_bank_conflicts", c.shared_bank_conflicts},
          {"tensor_core_flops", c.tensor_core_flops},
          {"barriers", c.barriers},
          {"collectives", c.collectives}};
}

std::string names_of(const simt::sanitizer_tools& tools) {
  std::vector<std::string> names;
  if (tools.memcheck) names.emplace_back("memcheck");
  if (tools.racecheck) names.emplace_back("racecheck");
  if (tools.initcheck) names.emplace_back("initcheck");
  if (tools.synccheck) names.emplace_back("synccheck");
  return fmt::format("{}", fmt::join(names, ","));
}

// An id fixes what a run computes; what watches it is said beside it.
std::string replay_line(const run_id& id, const run_settings& settings, bool properties) {
  std::string watched = settings.sanitize ? "--sanitize " + names_of(*settings.sanitize) + " " : "";
  if (properties) watched += "--properties ";
  return fmt::format("assay replay {}{}", watched, print(id));
}

const json* failed_output(const json& report) {
  for (const json& each : report.at("outputs"))
    if (!each.at("strict").at("reason").get<std::string>().empty()) return &each;
  return nullptr;
}

std::string where_it_failed(const json& report) {
  if (!report.at("findings").empty()) return report.at("findings").at(0).get<std::string>();
  const json* const output = failed_output(report);
  if (!output) return "no single element: see the reason";
  const json& strict = output->at("strict");
  const json& worst = strict.at("worst");
  return fmt::format("{}[{}] = {:.9g}, truth {:.9g}: {:.3g} of the bound, {:.3g} ULP; failed: {}",
                     output->at("tensor").get<std::string>(),
                     worst.at("position").get<std::string>(), number_in(worst.at("got")),
                     number_in(worst.at("expected")), number_in(worst.at("fraction")),
                     number_in(worst.at("ulps")), strict.at("pattern").get<std::string>());
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += (static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t') ? '?' : c;
    }
  }
  return safe;
}

}  // namespace

double number_in(const json& value) {
  if (value.is_number()) return value.get<double>();
  const std::string text = value.get<std::string>();
  return text == "nan" ? std::nan("") : text == "inf" ? HUGE_VAL : -HUGE_VAL;
}

json to_json(const output_verdict& verdict, const tensor_spec& tensor, const case_id& id) {
  return {{"tensor", verdict.tensor},
          {"strict", to_json(verdict.strict, dimensions_of(tensor, id))},
          {"scatter", to_json(verdict.scatter)},
          {"map", verdict.map ? to_json(*verdict.map) : json()}};
}

json to_json(const run_report& report, const run_settings& settings, bool properties) {
  json outputs = json::array(), findings = json::array();
  for (std::size_t k = 0; k < report.outputs.size(); ++k) {
    const tensor_spec& tensor = contract_of(report.id.of).outputs[k];
    outputs.push_back(to_json(report.outputs[k], tensor, report.id.of));
  }
  for (const simt::finding& each : report.findings) findings.push_back(simt::to_string(each));
  const case_id& id = report.id.of;
  json shape = json::object();
  for (const field& each : id.shape)
    shape[each.key] =
        each.value.is_integer() ? json(each.value.as_integer()) : number(each.value.as_double());
  return {{"id", print(report.id)},
          {"replay", replay_line(report.id, settings, properties)},
          {"function", id.function()},
          {"implementation", report.id.implementation},
          {"dtype", name_of(id.types[0].type)},
          {"shape", shape},
          {"backend", report.id.backend},
          {"outcome", name_of(report.result)},
          {"reason", report.reason},
          {"outputs", outputs},
          {"findings", findings},
          {"counters", to_json(report.counted)},
          {"repeats", report.repeats ? json(*report.repeats) : json()},
          {"seconds", report.seconds},
          {"saved", ""}};
}

json report_of_death(const run_id& id, const run_settings& settings, const std::string& how,
                     bool properties) {
  run_report report;
  report.id = id;
  report.result = outcome::crashed;
  report.reason = how;
  return to_json(report, settings, properties);
}

std::string told(const json& report) {
  const std::string replay = report.at("replay"), saved = report.at("saved");
  const json& repeats = report.at("repeats");
  return fmt::format(
      "  {}  {}\n    where    {}\n    repeats  {}\n    replay   {}\n    saved    {}\n",
      painted(tone::bad, report.at("outcome").get<std::string>()),
      report.at("reason").get<std::string>(), where_it_failed(report),
      repeats.is_null()     ? "not tried"
      : repeats.get<bool>() ? "yes, bit for bit"
                            : "no: a second run gave other bits",
      replay, saved.empty() ? "nothing" : saved);
}

std::string save_failure(const run_report& report, const prepared_case& prepared,
                         const std::string& folder) {
  const contract& c = *prepared.of;
  const case_id& id = report.id.of;
  tensor_file file;
  file.metadata = {
      {"run", print(report.id)}, {"outcome", name_of(report.result)}, {"reason", report.reason}};
  for (std::size_t t = 0; t < report.input_bytes.size(); ++t)
    file.tensors.push_back(
        {c.inputs[t].name, id.types[t].type, shape_of(c.inputs[t], id), report.input_bytes[t]});
  for (std::size_t t = 0; t < report.output_bytes.size(); ++t) {
    const tensor_spec& spec = c.outputs[t];
    file.tensors.push_back({spec.name, id.types[c.inputs.size() + t].type, shape_of(spec, id),
                            report.output_bytes[t]});
    const auto bytes = std::as_bytes(std::span(prepared.exact[t].value));
    file.tensors.push_back(
        {spec.name + ".truth", dtype::fp64, shape_of(spec, id), {bytes.begin(), bytes.end()}});
  }
  const std::string name = print(report.id);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::string path = fmt::format("{}/{}-{:016x}.safetensors", folder, id.function(),
                                 XXH3_64bits(name.data(), name.size()));
  write_safetensors(path, file);
  return path;
}

std::string summary_table(const std::vector<json>& reports) {
  struct row {
    int runs = 0, passed = 0;
    double fraction = 0, ulps = 0;
    std::int64_t misrounded = 0, judged = 0;
    int outputs = 0, scattered = 0;
    std::string worst = "passed";
  };
  std::map<std::vector<std::string>, row> rows;
  std::vector<std::vector<std::string>> order;
  for (const json& report : reports) {
    const std::vector<std::string> key = {report.at("function"), report.at("implementation"),
                                          report.at("dtype"), report.at("backend")};
    if (!rows.contains(key)) order.push_back(key);
    row& r = rows[key];
    ++r.runs;
    if (report.at("outcome") == "passed")
      ++r.passed;
    else
      r.worst = report.at("outcome");
    for (const json& output : report.at("outputs")) {
      const json& strict = output.at("strict");
      r.fraction = std::max(r.fraction, number_in(strict.at("worst_fraction")));
      r.ulps = std::max(r.ulps, number_in(strict.at("worst_ulps")));
      r.misrounded += strict.at("misrounded").get<std::int64_t>();
      r.judged += strict.at("judged").get<std::int64_t>();
      ++r.outputs;
      r.scattered += output.at("scatter").at("judged").get<bool>();
    }
  }
  table all({"function", "implementation", "dtype", "on", "cases", "of bound", "max ULP",
             "misrounded", "scatter", "outcome"});
  for (const auto& key : order) {
    const row& r = rows[key];
    const bool good = r.passed == r.runs;
    all.add(
        {key[0], key[1], key[2], key[3], fmt::format("{}/{}", r.passed, r.runs),
         fmt::format("{:.3f}", r.fraction), fmt::format("{:.4g}", r.ulps),
         r.judged ? fmt::format("{:.2f} %", 100.0 * double(r.misrounded) / double(r.judged)) : "-",
         fmt::format("judged {} of {}", r.scattered, r.outputs), r.worst},
        good ? tone::plain : tone::bad);
  }
  return all.text();
}

std::string junit(const std::vector<json>& reports) {
  int failures = 0, skipped = 0;
  std::string cases;
  for (const json& report : reports) {
    const std::string outcome = report.at("outcome");
    cases += fmt::format("  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">",
                         escaped(report.at("function").get<std::string>()),
                         escaped(report.at("id").get<std::string>()),
                         report.at("seconds").get<double>());
    if (outcome == "unsupported" || outcome == "not run") {
      ++skipped;
      cases += fmt::format("<skipped message=\"{}\"/>",
                           escaped(outcome + ": " + report.at("reason").get<std::string>()));
    } else if (outcome != "passed") {
      ++failures;
      cases += fmt::format("<failure message=\"{}\">{}</failure>",
                           escaped(report.at("reason").get<std::string>()),
                           escaped(where_it_failed(report)));
    }
    cases += "</testcase>\n";
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"assay\" tests=\"{}\" "
      "failures=\"{}\" skipped=\"{}\">\n{}</testsuite>\n",
      reports.size(), failures, skipped, cases);
}

}  // namespace assay::tools

#include "bench/counted_call.hpp"

#include "optimized/launcher.hpp"
#include "properties/contract.hpp"
#include "properties/staged_call.hpp"

#include <fmt/format.h>

namespace assay::bench {

counted_call count_call(const properties::run_id& id) {
  const properties::contract& c = properties::contract_of(id.of);
  simt::backend& place = simt::sanitized_emulator();
  const properties::case_inputs inputs = properties::make_inputs(c, id.of);
  properties::staged_call staged(
      c, inputs, place,
      *optimized::find_launcher(simt::build::sanitized, c.function(), id.implementation));
  simt::emulation how;
  how.tools = {.memcheck = true, .racecheck = false, .initcheck = false, .synccheck = false};
  how.run = properties::print(id);
  place.take_findings();
  place.take_counters();
  staged.execute(how, std::byte(0xff));
  counted_call made{place.take_counters(), {}};
  for (const simt::finding& each : place.take_findings())
    made.findings.push_back(simt::to_string(each));
  if (const std::string damage = staged.damage(); !damage.empty()) made.findings.push_back(damage);
  return made;
}

double bytes_by_formula(const properties::run_id& id) {
  const properties::contract& c = properties::contract_of(id.of);
  const properties::implementation& by = *c.find(id.implementation);
  return by.traffic ? by.traffic(id.of) : c.cost_of(id.of).bytes;
}

void hold_to_formula(const properties::run_id& id, std::vector<std::string>& contradictions) {
  const counted_call made = count_call(id);
  const double moved = double(made.counted.global_load_bytes + made.counted.global_store_bytes),
               expected = bytes_by_formula(id);
  if (moved != expected)
    contradictions.push_back(fmt::format("{} moves {:.0f} bytes, and {:.0f} by the formula",
                                         properties::print(id), moved, expected));
  for (const std::string& each : made.findings) contradictions.push_back(each);
}

}  // namespace assay::bench

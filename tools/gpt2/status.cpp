#include "tools/gpt2/status.hpp"

#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/executor.hpp"

namespace assay::gpt2 {
namespace {

int status_with_findings(int status) {
  const auto findings = simt::sanitized_emulator().take_findings();
  for (const simt::finding& each : findings) tools::complain(simt::to_string(each));
  return findings.empty() ? status : tools::k_wrong;
}

}  // namespace

int status_of_kernels(const std::function<int()>& body) {
  try {
    return status_with_findings(body());
  } catch (const device_absent& absent) {
    tools::complain(absent.what());
    return tools::k_device_absent;
  } catch (const simt::error& stopped) {
    tools::complain(stopped.what());
    status_with_findings(tools::k_crashed);
    return tools::k_crashed;
  }
}

}  // namespace assay::gpt2

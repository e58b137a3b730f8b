#include "optimized/softmax_launcher.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

// Every implementation of one function.
template <class Direction, class Variant>
void add_launchers(std::vector<launcher>& all, std::string_view function) {
  const auto add = [&]<row_threads How>(std::string_view name) {
    all.push_back({function, name, launch_softmax<Direction, Variant, How>,
                   softmax_workspace<Direction, Variant, How>});
  };
  constexpr bool k_forward = Direction::k_forward;
  add.template operator()<row_threads::naive>(k_forward ? "three_pass" : "two_pass");
  add.template operator()<row_threads::any>(k_forward ? "online" : "one_pass");
  add.template operator()<row_threads::warp>(k_forward ? "online_warp" : "one_pass_warp");
  add.template operator()<row_threads::block>(k_forward ? "online_block" : "one_pass_block");
  add.template operator()<row_threads::chunks>(k_forward ? "online_chunks" : "one_pass_chunks");
}

std::vector<launcher> make_launchers() {
  std::vector<launcher> all;
  add_launchers<softmax_forward, softmax_variant<softmax_form>>(all, "softmax.plain.fwd");
  add_launchers<softmax_forward, softmax_variant<softmax_scaled_form>>(all,
                                                                       "softmax.temperature.fwd");
  add_launchers<softmax_forward, softmax_variant<softmax_form, softmax_mask::causal>>(
      all, "softmax.causal.fwd");
  add_launchers<softmax_forward, softmax_variant<softmax_form, softmax_mask::padding>>(
      all, "softmax.padding.fwd");
  add_launchers<softmax_forward, softmax_variant<softmax_form, softmax_mask::additive>>(
      all, "softmax.additive.fwd");
  add_launchers<softmax_forward, softmax_variant<log_softmax_form>>(all, "softmax.log.fwd");

  using gradient = softmax_gradient_form;
  add_launchers<softmax_backward, softmax_variant<gradient>>(all, "softmax.plain.bwd");
  add_launchers<softmax_backward, softmax_variant<softmax_scaled_gradient_form>>(
      all, "softmax.temperature.bwd");
  add_launchers<softmax_backward, softmax_variant<gradient, softmax_mask::causal>>(
      all, "softmax.causal.bwd");
  add_launchers<softmax_backward, softmax_variant<gradient, softmax_mask::padding>>(
      all, "softmax.padding.bwd");
  add_launchers<softmax_backward, softmax_variant<gradient, softmax_mask::additive>>(
      all, "softmax.additive.bwd");
  add_launchers<softmax_backward, softmax_variant<log_softmax_gradient_form>>(all,
                                                                              "softmax.log.bwd");
  return all;
}

}  // namespace

std::span<const launcher> softmax_launchers() {
  static const std::vector<launcher> all = make_launchers();
  return all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD

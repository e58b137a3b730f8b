// gpt2: a whole GPT-2 by the reference and by kernels, and where its error comes from.

#include "tools/assay/entry.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/kept_memory.hpp"
#include "tools/gpt2/status.hpp"

#include <CLI/CLI.hpp>

namespace {

constexpr const char* k_examples = R"(Examples:
  gpt2 init small --layers 2 --heads 2 --channels 64 --context 64 --vocabulary 500
  gpt2 params small
  gpt2 loss small --tokens tokens.safetensors --out gradients.safetensors

Exit status: that of assay (assay --help).)";

int run(int argc, char** argv) {
  using namespace assay;
  CLI::App app("A whole GPT-2, by the reference and by kernels.", "gpt2");
  app.footer(k_examples);
  gpt2::common_options common;
  tools::add_common_options(app, common.json);
  int status = tools::k_good;
  gpt2::add_init(app, common, status);
  gpt2::add_params(app, common, status);
  gpt2::add_logits(app, common, status);
  gpt2::add_loss(app, common, status);
  gpt2::add_generate(app, common, status);
  gpt2::add_train(app, common, status);
  gpt2::add_vocabulary(app, common, status);
  gpt2::add_time(app, common, status);
  gpt2::add_trace(app, common, status);
  gpt2::add_spread(app, common, status);
  tools::parse_or_refuse(app, argc, argv);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  assay::tools::name_program("gpt2");
  assay::gpt2::keep_freed_memory();
  return assay::tools::status_of(
      [&] { return assay::gpt2::status_of_kernels([&] { return run(argc, argv); }); });
}

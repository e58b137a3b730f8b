// The subcommands of gpt2, one file each: every add_...() puts its own into `app` and sets `status`
// to what the process exits with (tools/assay/exit_code.hpp). What a person or a file did wrong is
// thrown as bad_input.
#pragma once

namespace CLI {
class App;
}

namespace assay::gpt2 {

struct common_options {
  bool json = false;
};

void add_init(CLI::App& app, const common_options& common, int& status);
void add_params(CLI::App& app, const common_options& common, int& status);
void add_logits(CLI::App& app, const common_options& common, int& status);
void add_loss(CLI::App& app, const common_options& common, int& status);
void add_spread(CLI::App& app, const common_options& common, int& status);
void add_time(CLI::App& app, const common_options& common, int& status);
void add_trace(CLI::App& app, const common_options& common, int& status);
void add_generate(CLI::App& app, const common_options& common, int& status);
void add_train(CLI::App& app, const common_options& common, int& status);
void add_vocabulary(CLI::App& app, const common_options& common, int& status);

}  // namespace assay::gpt2

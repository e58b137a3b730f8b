// gpt2_forward_time FOLDER TOKENS: for each line that comes in, one forward pass of the reference
// with the model loaded, and a line with the seconds that it took, of the clock and of all cores
// (tools/oracle/gpt2_speed.py).

#include "reference/gpt2.hpp"
#include "tools/gpt2/kept_memory.hpp"
#include "tools/gpt2/model_folder.hpp"
#include "tools/gpt2/token_file.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <iostream>
#include <string>

namespace {

double seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

void answer(const std::string& folder, const std::string& tokens) {
  const assay::gpt2::model of = assay::gpt2::read_model(folder);
  const assay::reference::gpt2<double> model(of.config, of.parameters);
  const auto in = assay::gpt2::read_sequences(tokens, false);
  for (std::string line; std::getline(std::cin, line);) {
    const double start = seconds();
    const std::clock_t cores = std::clock();  // of the process: all of its threads
    const auto values = model.forward(in.tokens);
    fmt::print("{:.6f} {:.6f}\n", seconds() - start, double(std::clock() - cores) / CLOCKS_PER_SEC);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    fmt::print(stderr, "gpt2_forward_time FOLDER TOKENS\n");
    return 2;
  }
  assay::gpt2::keep_freed_memory();
  try {
    answer(words[1], words[2]);
  } catch (const std::exception& wrong) {
    fmt::print(stderr, "gpt2_forward_time: {}\n", wrong.what());
    return 2;
  }
}

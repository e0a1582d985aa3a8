// SPDX-License-Identifier: MIT
// Predicts whether a loan defaults: one JSON record per line in, one answer per line out, in their order.
//     loan_filter loan_default.json < loans.jsonl
// Exit status: 0 done; 1 the model, the input or the output is wrong; 2 a flag is wrong.
// models/train_loan_default.py trains and exports the model; docs/tutorials/train-and-serve.md is the tutorial.
#include <fmt/format.h>
#include <simdjson.h>
#include <tabscore/json/write.hpp>
#include <tabscore/models/load_model.hpp>
#include <tabscore/pipeline/score_json.hpp>

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "../file_names.hpp"
#include "../loan_server/loan.hpp"
#include "../program_policy.hpp"
#include "../standard_streams.hpp"

std::string answer(const ts::outcome& outcome) {
  if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
    return fmt::format(R"({{"default":{},"probability":{}}})", p->label[0] != 0, p->probability[0]);
  }
  if (const auto* e = std::get_if<ts::validation_errors>(&outcome)) return ts::to_json(*e, loan::names);
  if (const auto* e = std::get_if<ts::syntax_error>(&outcome)) return ts::to_json(*e);
  ts::text_buffer text;
  const auto* const broken = std::get_if<ts::broken_rule>(&outcome);
  ts::append_detail(text, broken != nullptr ? std::string_view(broken->message) : "this record cannot be scored");
  return std::string(text.view());
}

int main(int argc, char** argv) {
  hold_standard_streams();
  const std::string_view usage =
      "usage: loan_filter [--strict] MODEL < RECORDS\n"
      "  --strict  take every value for what it looks like: no 45.9 or \"45\" in an integer field, no 1 for true\n";
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words == std::vector<std::string>{"--help"}) {
    if (std::cout << usage << std::flush) return 0;
    return say("loan_filter: the standard output cannot be written\n"), 1;
  }
  const bool strict = !words.empty() && words[0] == "--strict";
  if (words.size() != 1U + strict || words.back().starts_with('-')) return say("{}", usage), 2;
  if (strict) program_policy::be_strict();
  if (const std::string problem = wrong_names({{"the standard output", "/dev/stdout", file_use::replaced},
                                               {"the standard input", "/dev/stdin", file_use::read}});
      !problem.empty()) {
    return say("loan_filter: {}\n", problem), 2;
  }
  const auto model = ts::load_model(words.back());  // a model file replays its trainer's own rows
  if (!model) return say("loan_filter: {}\n", model.error().message), 1;
  const auto pipe = ts::make_pipeline(loan{}, loan_defaults::rules, loan_defaults::features, *model);
  if (!pipe) return say("loan_filter: {}\n", pipe.error().message), 1;

  std::ios::sync_with_stdio(false);  // or else a failure to read looks like the end
  ts::workspace<loan, program_policy> workspace;
  for (std::string line; std::cout && std::getline(std::cin, line);) {
    const simdjson::padded_string body(line);
    std::cout << answer(ts::score_json(*pipe, body, workspace, ts::body_shape::record)) << '\n';
  }
  if (!std::cout.flush()) return say("loan_filter: the standard output cannot be written\n"), 1;
  if (std::cin.bad()) return say("loan_filter: the standard input cannot be read\n"), 1;
}

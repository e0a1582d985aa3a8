// SPDX-License-Identifier: MIT
// Will a loan be paid back? A filter: one JSON record a line in, one answer a line out, in their order.
//     loan_filter loan_default.json < loans.jsonl
// models/train_loan_default.py trains and exports the model; docs/from-python.md has the whole way.
#include <fmt/format.h>
#include <tabscore/json/write.hpp>
#include <tabscore/models/load_model.hpp>
#include <tabscore/pipeline/score_json.hpp>

#include <iostream>
#include <string>

#include "../loan_server/loan.hpp"
#include "../standard_streams.hpp"

std::string answer(const ts::outcome& outcome) {
  if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
    return fmt::format(R"({{"default":{},"probability":{}}})", p->label[0] != 0, p->probability[0]);
  }
  if (const auto* e = std::get_if<ts::validation_errors>(&outcome)) return ts::to_json(*e, loan::names);
  if (const auto* e = std::get_if<ts::syntax_error>(&outcome)) return ts::to_json(*e);
  if (const auto* b = std::get_if<ts::broken_rule>(&outcome)) return fmt::format(R"({{"detail":"{}"}})", b->message);
  return R"({"detail":"this record cannot be scored"})";
}

int main(int argc, char** argv) {
  hold_standard_streams();
  if (argc != 2) return say("usage: loan_filter MODEL < RECORDS\n"), 2;
  const auto file = ts::load_model_file(argv[1]);
  const auto model = file ? ts::make_scorer(*file) : file.error();  // replays the trainer's own rows
  if (!model) return say("loan_filter: {}\n", model.error().message), 1;
  const auto pipe = ts::make_pipeline(loan{}, loan_defaults::rules, loan_defaults::features, *model);
  if (!pipe) return say("loan_filter: {}\n", pipe.error().message), 1;

  std::ios::sync_with_stdio(false);  // or else a failure to read looks like the end
  ts::workspace<loan> workspace;
  for (std::string line; std::cout && std::getline(std::cin, line);) {
    const simdjson::padded_string body(line);
    std::cout << answer(ts::score_json(*pipe, body, workspace, ts::body_shape::record)) << '\n';
  }
  if (!std::cout.flush()) return say("loan_filter: the standard output cannot be written\n"), 1;
  if (std::cin.bad()) return say("loan_filter: the standard input cannot be read\n"), 1;
}

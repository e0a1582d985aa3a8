// parity FOLDER: scores parity_records.json and compares the numbers with the trainer's, parity_numbers.json.
#include <simdjson.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <tabscore/formats/error_text.hpp>
#include <tabscore/pipeline/score_json.hpp>
#include <tabscore/pipeline/service_model.hpp>
#include <tabscore/serving/service.hpp>

#include "@name@.hpp"

int main(int argc, char** argv) {
  constexpr double tolerance = @tolerance@;  // of the trainer's number
  const std::string folder = argc > 1 ? argv[1] : ".";
  using service = ts::serving::completed<@name@>;

  const auto model = ts::load_service_model<service>(folder + "/@name@.json");
  if (!model) return std::printf("%s\n", model.error().message.c_str()), 1;
  const auto pipe = model->make_pipeline();
  if (!pipe) return std::printf("%s\n", pipe.error().message.c_str()), 1;

  simdjson::padded_string body, trainer;
  if (simdjson::padded_string::load(folder + "/parity_records.json").get(body) != simdjson::SUCCESS ||
      simdjson::padded_string::load(folder + "/parity_numbers.json").get(trainer) != simdjson::SUCCESS) {
    return std::printf("%s: cannot read parity_records.json and parity_numbers.json\n", folder.c_str()), 1;
  }
  ts::workspace<service::record, service::coercion> workspace;
  const ts::outcome outcome = ts::score_json(*pipe, body, workspace);
  const auto* const ours = std::get_if<ts::predictions>(&outcome);
  if (ours == nullptr) {
    std::printf("the records are not predicted:\n");
    if (const auto* errors = std::get_if<ts::validation_errors>(&outcome)) {
      for (const ts::field_error& e : *errors) {
        std::printf("  record %u: %s\n", e.row, ts::describe({&e, 1}, service::record::names).c_str());
      }
    } else if (const auto* rule = std::get_if<ts::broken_rule>(&outcome)) {
      std::printf("  record %zu: %.*s\n", rule->row, static_cast<int>(rule->message.size()), rule->message.data());
    }
    return 1;
  }

  simdjson::dom::parser parser;
  const simdjson::dom::array rows = parser.parse(trainer).get_array();
  std::size_t row = 0, equal = 0, numbers = 0;
  double largest = 0;
  for (const simdjson::dom::array expected : rows) {
    std::size_t column = 0;
    for (const double theirs : expected) {
      const double here = ours->value(row, column++);
      const double difference = here == theirs ? 0 : std::fabs(here - theirs) / std::fmax(std::fabs(theirs), 1e-300);
      ++numbers;
      equal += here == theirs;
      if (!(difference <= tolerance) && std::fabs(here - theirs) > 1e-12) {
        std::printf("record %zu, number %zu: %.17g by the trainer, %.17g here\n", row, column - 1, theirs, here);
        return 1;
      }
      largest = std::fmax(largest, difference);
    }
    ++row;
  }
  if (row != ours->rows()) return std::printf("%zu records, and numbers for %zu\n", ours->rows(), row), 1;
  std::printf("%zu records: %zu of %zu numbers have the trainer's bits, the largest difference is %.3g of its number\n", row,
              equal, numbers, largest);
  return 0;
}

// SPDX-License-Identifier: MIT
// Any bytes as labels and as lines of a prediction log: each line is refused with a reason, or gives what the counts
// take. The first byte chooses the task.
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <tabscore/monitor/label.hpp>
#include <tabscore/monitor/performance.hpp>
#include <vector>

#include "../../examples/label_join/prediction_log.hpp"
#include "require.hpp"

namespace {

ts::model_outputs model_of(unsigned choice) {
  ts::model_outputs m;
  m.task = static_cast<ts::task>(choice % 6);
  if (m.task == ts::task::multiclass) {
    m.classes_are = static_cast<ts::class_kind>(choice / 6 % 3);
    m.classes = m.classes_are == ts::class_kind::text     ? std::vector<std::string>{"a", "b", "é"}
                : m.classes_are == ts::class_kind::number ? std::vector<std::string>{"0", "1", "-2.5"}
                                                          : std::vector<std::string>{"false", "true"};
    m.columns = m.classes.size();
  } else if (m.task == ts::task::regression) {
    m.columns = 1 + choice / 6 % 2;
  } else if (m.task == ts::task::quantiles) {
    m.names = {"0.1", "0.9"};
    m.columns = 2;
  } else if (choice / 6 % 2 == 1) {
    m.classes = {"no", "yes"};
  }
  return m;
}

void take(const ts::performance_counts& empty, const ts::label& l) {
  require(!l.id.empty());
  const std::vector<double> prediction(empty.model().columns, 0.5);
  ts::performance_counts counts = empty;
  require(!counts.add(prediction, 0, l.numbers));
  require(counts.pairs() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const ts::model_outputs model = model_of(data[0]);
  const ts::performance_counts empty(model);
  ts::label_reader reader(model);
  ts::label one;
  simdjson::ondemand::parser parser;
  log_settings settings;
  settings.task = model.task;
  settings.id = "id";
  settings.segments = {"s"};
  settings.max_segment_values = 2;
  prediction_log log(settings, {1, 2});
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + (line.size() < rest.size() ? 1 : 0));
    const simdjson::padded_string padded(line);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (parser.iterate(padded).get(document) == simdjson::SUCCESS &&
        document.get_object().get(object) == simdjson::SUCCESS && reader.read(object, one) == nullptr) {
      take(empty, one);
    }
    const std::string_view id = line.substr(0, line.find(','));
    const std::string_view more = line.substr((std::min)(id.size() + 1, line.size()));
    const std::string_view cell = more.substr(0, more.find(','));
    if (reader.read(id, cell, more.substr((std::min)(cell.size() + 1, more.size())), one) == nullptr) take(empty, one);
    if (log.read({padded.data(), padded.size()}) != nullptr) continue;
    const auto record = log.record();
    require(record.size() == log.words());
    std::vector<double> values;
    for (const std::uint64_t bits : record.last(log.model().columns)) values.push_back(std::bit_cast<double>(bits));
    ts::performance_counts counts(log.model());
    const std::vector<double> label(ts::performance_counts::label_numbers(log.model()), 0);
    require(!counts.add(values, static_cast<std::uint32_t>(record[2] >> 32U), label));
  }
  return 0;
}

#include "replay.hpp"

// SPDX-License-Identifier: MIT
// Where a batch's time goes, from the body's bytes to the answer's: each stage alone and the whole, beside the
// structural parse (simdjson's stage 1) of the same bytes, which is the floor of a full parser, and beside other JSON
// libraries where they are installed. Stages run in turn, pass after pass; medians of CPU time.
//   stages [--records 1,3,100,1000,10000,100000] [--passes 51] [--only total] [--json]
// --only, for profilers: the stages whose names begin so, without the layouts.
#include <fcntl.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <tabscore/tabscore.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "bodies.hpp"
#include "flags.hpp"
#include "measure.hpp"
#include "peers.hpp"
#include "student.hpp"

namespace {

struct stage {
  std::string name;
  std::function<void()> run;
  std::function<void()> tidy{};  // after a pass, not measured
  std::vector<double> ns{};      // per record, one entry a pass
};

void require(bool holds) {
  if (!holds) std::abort();
}

/// All stages in turn, pass by pass, so that a slow moment of the machine meets each of them.
void measure(std::vector<stage>& stages, std::size_t records, std::size_t passes) {
  const std::size_t repeats = std::max<std::size_t>(1, 20'000 / records);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (stage& s : stages) {
      s.run();
      const double begin = thread_cpu_ns();
      for (std::size_t i = 0; i < repeats; ++i) s.run();
      s.ns.push_back((thread_cpu_ns() - begin) / static_cast<double>(repeats * records));
      if (s.tidy) s.tidy();
    }
  }
}

/// The logistic model's probability as the numbers of another task, so that what a task costs is all that differs.
template <ts::task Task, std::size_t Columns>
struct as_task {
  const ts::logistic& model;
  ts::model_outputs described{Task, Columns, Task == ts::task::multiclass, {}, ts::class_kind::text, {}};

  explicit as_task(const ts::logistic& of) : model(of) {
    for (std::size_t k = 0; Task == ts::task::multiclass && k < Columns; ++k) {
      described.classes.push_back(fmt::format("class {}", k));
    }
  }
  const ts::feature_names& features() const { return model.features(); }
  const ts::model_outputs& outputs() const { return described; }
  double threshold() const { return 0; }
  void score(const ts::feature_block& x, ts::scratch& memory, std::span<double> out) const {
    if constexpr (Columns == 1) return model.score(x, memory, out);
    const std::span<double> p = memory.get<double>(x.rows);
    model.score(x, memory.inner(), p);
    for (std::size_t i = 0; i < x.rows; ++i) {
      double* const row = out.data() + i * Columns;
      row[0] = p[i];
      for (std::size_t k = 1; k < Columns; ++k) row[k] = (1 - p[i]) / static_cast<double>(Columns - 1);
    }
  }
};

std::function<void()> structural_parse(const simdjson::padded_string& text) {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  require(simdjson::get_active_implementation()->create_dom_parser_implementation(text.size(), 8, parser) ==
          simdjson::SUCCESS);
  return [&text, parser = std::shared_ptr(std::move(parser))] {
    require(parser->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                           simdjson::stage1_mode::regular) == simdjson::SUCCESS);
  };
}

std::function<void()> decode(const simdjson::padded_string& text) {
  return [&text, batch = std::make_shared<ts::batch<student>>(), decoder = std::make_shared<ts::decoder<student>>()] {
    require(decoder->records(text, *batch) == ts::decode_status::decoded);
  };
}

/// A prediction log in a folder of the working directory, never forced to the disk; emptied before its bytes go there.
class log_file {
 public:
  log_file() {
    ts::jsonl_settings settings;
    settings.file.sync = ts::durability::none;
    std::filesystem::create_directory(folder);
    log_ = ts::jsonl_log::open(path.string(), settings).value();
  }
  ~log_file() {
    require(log_.dropped() == 0);
    std::filesystem::remove_all(folder);
  }
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;

  ts::jsonl_log& sink() { return log_; }
  void empty() {
    std::filesystem::resize_file(path, 0);
    log_.file()->tick();
  }

 private:
  const std::filesystem::path folder = "stages_log", path = folder / "log.jsonl";
  ts::jsonl_log log_;
};

/// Everything that the stages of one batch size work on.
struct bench {
  static constexpr std::size_t block = 256;  // as the pipeline's

  explicit bench(std::size_t n) : records(n), text(bodies::request(bodies::layouts[1], n)) {
    ts::decoder<student> decoder;
    require(decoder.records(text, batch) == ts::decode_status::decoded);
    probability.resize(n);
    label.resize(n);
    matrix.resize((n + block - 1) / block * block * width);
    each_block([&](std::size_t begin, const ts::columns<student>& part) {
      student_columns::features.write(part, matrix.data() + begin * width, block);
    });
    score(logistic);
    for (std::size_t i = 0; i < n; ++i) label[i] = probability[i] >= logistic.threshold();
  }

  static constexpr std::size_t width = decltype(student_columns::features)::width<student>;

  template <class F>
  void each_block(F&& f) const {
    const ts::columns<student> all = batch;
    for (std::size_t begin = 0; begin < records; begin += block) {
      f(begin, all.slice(begin, std::min(block, records - begin)));
    }
  }
  ts::feature_block features_of(std::size_t begin, const ts::columns<student>& part,
                                const std::string_view* const& country) const {
    return {part.rows(), width, matrix.data() + begin * width, block, std::span(&country, 1)};
  }
  template <class Model>
  void score(const Model& model) {
    each_block([&](std::size_t begin, const ts::columns<student>& part) {
      const std::string_view* const country = part.get<"student_country">().data();
      model.score(features_of(begin, part, country), memory, std::span(probability).subspan(begin, part.rows()));
    });
  }
  ts::predictions predictions() const { return {probability, label, logistic.threshold()}; }

  void monitor(ts::moments& totals) {
    const ts::sinks all{totals};
    if (records <= block) {
      const std::string_view* const country = batch.view().get<"student_country">().data();
      return all.record<width>(ts::scored<student>{batch, predictions()}, features_of(0, batch, country));
    }
    ts::sinks<ts::moments>::observation<student, width> observed(all);
    each_block([&](std::size_t begin, const ts::columns<student>& part) {
      const std::string_view* const country = part.get<"student_country">().data();
      observed.observe({part, predictions().slice(begin, part.rows())}, features_of(begin, part, country));
    });
    observed.record({batch, predictions()});
  }

  std::size_t records;
  simdjson::padded_string text;
  ts::batch<student> batch;
  std::vector<double> matrix, probability;
  std::vector<std::uint8_t> label;
  ts::scratch memory;
  ts::model_file file = ts::load_model_file(TABSCORE_MODELS "/student_logistic.json").value();
  ts::logistic logistic = ts::make_logistic(file).value();
  ts::any_scorer gbm = ts::make_scorer(ts::load_model_file(TABSCORE_MODELS "/student_gbm.json").value()).value();
};

/// From bytes to an answer, with exact totals, for predictions of another task.
template <class Prediction, class Model>
std::function<void()> task_total(bench& b, Model model) {
  const auto totals = std::make_shared<ts::moments>();
  const auto pipe = std::make_shared<decltype(ts::make_pipeline(
      student{}, student_columns::rules, student_columns::features, model, ts::sinks{*totals}, Prediction{}))>(
      ts::make_pipeline(student{}, student_columns::rules, student_columns::features, std::move(model),
                        ts::sinks{*totals}, Prediction{}));
  require(pipe->has_value());
  const auto names = std::make_shared<ts::prediction_names>((*pipe)->layout());
  return [&b, totals, pipe, names, out = std::make_shared<ts::text_buffer>(),
          w = std::make_shared<ts::workspace<student>>()] {
    const auto outcome = ts::score_json(**pipe, b.text, *w);
    out->clear();
    names->append_list(*out, std::get<ts::predictions>(outcome));
  };
}

std::vector<stage> stages_of(bench& b) {
  const auto totals = std::make_shared<ts::moments>();
  const auto out = std::make_shared<ts::text_buffer>();
  const auto names = std::make_shared<ts::prediction_names>(probability_name, label_name);
  const auto answer = [&b, out, names] {
    out->clear();
    names->append_list(*out, b.predictions());
  };
  std::vector<stage> stages{
      {"structural parse (floor)", structural_parse(b.text)},
      {"decode", decode(b.text)},
      {"rules", [&b] { require(!student_columns::rules.first_broken(b.batch.view())); }},
      {"feature matrix",
       [&b] {
         b.each_block([&](std::size_t begin, const ts::columns<student>& part) {
           student_columns::features.write(part, b.matrix.data() + begin * bench::width, bench::block);
         });
       }},
      {"logistic score", [&b] { b.score(b.logistic); }},
      {"GBM score", [&b] { b.score(b.gbm); }},
      {"monitoring", [&b, totals] { b.monitor(*totals); }},
      {"log lines",
       [&b, out, lines = std::make_shared<ts::jsonl_lines>()] {
         out->clear();
         lines->append(*out, ts::scored<student>{b.batch, b.predictions()}, std::chrono::system_clock::now());
       }},
      {"response", answer}};
  const auto total = [&b, totals, out, names](auto model, auto&... more) {
    using pipeline = ts::pipeline<student, decltype(student_columns::rules), decltype(student_columns::features),
                                  decltype(model), ts::sinks<ts::moments, std::remove_reference_t<decltype(more)>...>>;
    const auto pipe = std::make_shared<pipeline>(student{}, student_columns::rules, student_columns::features, model,
                                                 ts::sinks{*totals, more...});
    return [&b, totals, out, names, pipe, w = std::make_shared<ts::workspace<student>>()] {
      const auto outcome = ts::score_json(*pipe, b.text, *w);
      const auto& p = std::get<ts::predictions>(outcome);
      out->clear();
      names->append_list(*out, p);
    };
  };
  stages.push_back({"total, logistic, no log", total(b.logistic)});
  stages.push_back({"total, a number, no log",
                    task_total<ts::regression<"minutes">>(b, as_task<ts::task::regression, 1>(b.logistic))});
  stages.push_back(
      {"total, 3 classes, no log", task_total<ts::multiclass<>>(b, as_task<ts::task::multiclass, 3>(b.logistic))});
  stages.push_back(
      {"total, 100 classes, no log", task_total<ts::multiclass<>>(b, as_task<ts::task::multiclass, 100>(b.logistic))});
  stages.push_back({"total, GBM, no log", total(b.gbm)});
  const auto log = std::make_shared<log_file>();
  stages.push_back({"total, logistic, log written", total(b.logistic, log->sink()), [log] { log->empty(); }});
  for (auto& [name, run] : peers::decoders(std::string_view(b.text))) stages.push_back({name, std::move(run)});
  return stages;
}

/// Decoding alone, for each way in which clients lay out their bodies.
struct layouts {
  explicit layouts(std::size_t records) {
    texts.reserve(bodies::layouts.size());
    for (const auto& l : bodies::layouts) texts.emplace_back(bodies::request(l, records));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      stages.push_back({fmt::format("floor,  {}", bodies::layouts[i].name), structural_parse(texts[i])});
      stages.push_back({fmt::format("decode, {}", bodies::layouts[i].name), decode(texts[i])});
    }
  }
  std::vector<simdjson::padded_string> texts;
  std::vector<stage> stages;
};

struct report {
  bool json;
  bool first = true;

  void row(std::size_t records, const std::string& name, double ns, double floor, std::size_t bytes) {
    const double rate = static_cast<double>(bytes) / static_cast<double>(records) / ns;
    if (json) {
      fmt::print(
          R"({}{{"records": {}, "stage": "{}", "ns_per_record": {:.2f}, "to_floor": {:.3f}, "gb_per_s": {:.3f}}})",
          first ? "[" : ",\n ", records, name, ns, ns / floor, rate);
    } else {
      fmt::print("{:>7} {:34} {:9.1f} ns/record {:7.2f} x floor {:7.2f} GB/s\n", records, name, ns, ns / floor, rate);
    }
    first = false;
  }
};

}  // namespace

int main(int argc, char** argv) {
  flags of{.records = {1, 3, 100, 1000, 10'000, 100'000}, .passes = 51};
  if (!of.read(argc, argv, "stages [--records 1,3,100] [--passes 51] [--only total] [--json]")) return 2;
  report table{of.json};
  for (const std::size_t records : of.records) {
    bench b(records);
    auto stages = stages_of(b);
    std::erase_if(stages, [&](const stage& s) { return !s.name.starts_with(of.only); });
    if (stages.empty()) continue;
    measure(stages, records, of.passes);
    const double floor = median(stages[0].ns);
    for (const stage& s : stages) table.row(records, s.name, median(s.ns), floor, b.text.size());
    if (records == 1000 && of.only.empty()) {
      layouts l(records);
      measure(l.stages, records, of.passes);
      for (std::size_t i = 0; i < l.stages.size(); ++i) {
        table.row(records, l.stages[i].name, median(l.stages[i].ns), median(l.stages[i / 2 * 2].ns),
                  l.texts[i / 2].size());
      }
    }
  }
  if (of.json) fmt::print("]\n");
}

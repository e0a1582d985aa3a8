// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <string_view>
#include <tabscore/tabscore.hpp>
#include <vector>

namespace ts = tabscore;

/// What a server serves, all in one type; student_server/student.hpp is one:
///     record                   the schema of a record
///     rules, features          of the pipeline, constexpr
///     add_example(batch)       appends a record: shown in the documentation, tried out there, scored to warm a model
///     up program, title, summary  the server's name, and what its pages say of it model                    the file in
///     models/ that is served unless another one is given probability, label       what answers and the prediction log
///     call a prediction's two values
template <class Service>
concept servable = ts::schema_type<typename Service::record> && requires(ts::batch<typename Service::record> records) {
  Service::rules.for_each([](std::size_t, const auto&) {});
  Service::features;
  Service::add_example(records);
  requires std::convertible_to<decltype(Service::program), std::string_view>;
  requires std::convertible_to<decltype(Service::title), std::string_view>;
  requires std::convertible_to<decltype(Service::summary), std::string_view>;
  requires std::convertible_to<decltype(Service::model), std::string_view>;
  requires std::convertible_to<decltype(Service::probability), std::string_view>;
  requires std::convertible_to<decltype(Service::label), std::string_view>;
};

/// Told of every batch that is scored: what watches for drift, and the prediction log.
using service_sinks = ts::sinks<ts::drift_monitor, ts::jsonl_log>;

template <class Service>
using pipeline_of = ts::pipeline<typename Service::record, decltype(Service::rules), decltype(Service::features),
                                 ts::any_scorer, service_sinks>;

template <class Service>
ts::batch<typename Service::record> example_of() {
  ts::batch<typename Service::record> one;
  Service::add_example(one);
  return one;
}

/// The sentences of the rules, in their order.
template <class Service>
std::vector<std::string_view> rule_texts() {
  std::vector<std::string_view> texts;
  Service::rules.for_each([&](std::size_t, const auto& rule) { texts.push_back(rule.message()); });
  return texts;
}

// SPDX-License-Identifier: MIT
#pragma once

#include "core/config.hpp"

// Names of tabscore that need no definition: for headers that take or return them by reference, pointer or result.
namespace tabscore::inline TABSCORE_ABI {

struct error;
template <class T>
class result;
class text_buffer;
class scratch;

struct field_error;
class one_hot;
struct drift_baseline;

struct feature_names;
struct predictions;
struct decision_policy;
struct model_file;
struct load_options;
struct forest_model;
class any_scorer;
class encoded_forest;
class forest;
class logistic;
class pipeline_model;
struct score_buffers;

struct syntax_error;
class prediction_names;

struct drift_reference;
struct monitor_state;
struct append_settings;
class append_file;
struct jsonl_settings;
class jsonl_log;

namespace serving {
struct request;
struct response;
struct settings;
}  // namespace serving

}  // namespace tabscore::inline TABSCORE_ABI

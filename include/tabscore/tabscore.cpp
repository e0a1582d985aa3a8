// SPDX-License-Identifier: MIT
// The one translation unit of the CMake target tabscore::compiled: what the headers only declare where
// TABSCORE_COMPILED is defined.
#if !defined(TABSCORE_COMPILED)
#define TABSCORE_COMPILED
#endif
#define TABSCORE_BODIES 1

#include "tabscore.hpp"
#include "capi/c_api.hpp"
#include "core/detail/column_kernel_sets.hpp"
#include "log/detail/append_file.hpp"
#include "log/detail/jsonl_log.hpp"
#include "models/detail/encoded_forest.hpp"
#include "models/detail/forest.hpp"
#include "models/detail/load_catboost.hpp"
#include "models/detail/load_lightgbm.hpp"
#include "models/detail/load_model.hpp"
#include "models/detail/load_sklearn.hpp"
#include "models/detail/load_tabscore.hpp"
#include "models/detail/load_xgboost.hpp"
#include "models/detail/pipeline_model.hpp"
#include "monitor/detail/drift_reference.hpp"
#include "monitor/detail/expected_performance.hpp"
#include "monitor/detail/histogram.hpp"
#include "monitor/detail/performance_report.hpp"
#include "monitor/detail/sliding_counts.hpp"
#include "outputs/detail/decider.hpp"
#include "outputs/detail/load_policy.hpp"
#include "serving/endpoint.hpp"

// SPDX-License-Identifier: MIT
// What the headers only declare where TABSCORE_COMPILED is defined: one translation unit, or its two halves
// tabscore_models.cpp and tabscore_rest.cpp, of which the CMake target tabscore::compiled is made.
#if !defined(TABSCORE_COMPILED)
#define TABSCORE_COMPILED
#endif
#if !defined(TABSCORE_BODIES)
#define TABSCORE_BODIES 1
#define TABSCORE_MODEL_BODIES 1
#endif

#if TABSCORE_MODEL_BODIES
#include "models/contributions.hpp"
#include "models/detail/catboost/load.hpp"
#include "models/detail/encoded_forest.hpp"
#include "models/detail/lightgbm/load.hpp"
#include "models/detail/load_model.hpp"
#include "models/detail/pipeline_model.hpp"
#include "models/detail/sklearn/load.hpp"
#include "models/detail/tabscore/load.hpp"
#include "models/detail/trees/forest.hpp"
#include "models/detail/xgboost/load.hpp"
#include "models/feature_match.hpp"
#include "models/raw_checks.hpp"
#include "outputs/detail/load_policy.hpp"
#endif

#if TABSCORE_BODIES
#include "tabscore.hpp"

#include "capi/c_api.hpp"
#include "core/detail/column_kernel_sets.hpp"
#include "log/detail/append_file.hpp"
#include "log/detail/jsonl_log.hpp"
#include "monitor/detail/drift_reference.hpp"
#include "monitor/detail/expected_performance.hpp"
#include "monitor/detail/histogram.hpp"
#include "monitor/detail/performance_report.hpp"
#include "monitor/detail/sliding_counts.hpp"
#include "outputs/detail/decider.hpp"
#include "serving/endpoint.hpp"
#endif

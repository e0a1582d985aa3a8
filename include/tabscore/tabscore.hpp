// SPDX-License-Identifier: MIT
#pragma once

// Everything. Each header also works alone; in the data's order through the house:
#include "core/config.hpp"
#include "core/exact.hpp"
#include "core/exact_sum.hpp"
#include "core/exact_sum_text.hpp"
#include "core/fixed_string.hpp"
#include "core/json_text.hpp"
#include "core/number_parse.hpp"
#include "core/number_text.hpp"
#include "core/result.hpp"
#include "core/scratch.hpp"
#include "core/text_buffer.hpp"

#include "schema/batch.hpp"
#include "schema/columns.hpp"
#include "schema/constraints.hpp"
#include "schema/field.hpp"
#include "schema/field_error.hpp"
#include "schema/schema.hpp"
#include "schema/validate.hpp"

#include "json/careful.hpp"
#include "json/coerce.hpp"
#include "json/decode.hpp"
#include "json/dialect.hpp"
#include "json/encoding.hpp"
#include "json/fast.hpp"
#include "json/json_value.hpp"
#include "json/key_table.hpp"
#include "json/python_json.hpp"
#include "json/python_text.hpp"
#include "json/scan.hpp"
#include "json/write.hpp"

#include "expr/expr.hpp"
#include "expr/rule.hpp"

#include "features/baseline.hpp"
#include "features/encoder.hpp"
#include "features/feature_block.hpp"
#include "features/features.hpp"
#include "features/one_hot.hpp"

#include "models/load_tabscore.hpp"
#include "models/logistic.hpp"
#include "models/model_file.hpp"
#include "models/predictions.hpp"
#include "models/scorer.hpp"
#include "models/verify.hpp"

#include "monitor/drift.hpp"
#include "monitor/jsonl_log.hpp"
#include "monitor/moments.hpp"
#include "monitor/mutex.hpp"
#include "monitor/sink.hpp"

#include "pipeline/pipeline.hpp"

#include "service/score_json.hpp"
#include "service/workspace.hpp"

#include "version.hpp"

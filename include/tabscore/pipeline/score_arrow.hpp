// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "../columnar/arrow_predictions.hpp"
#include "../columnar/arrow_reader.hpp"
#include "../core/config.hpp"
#include "../outputs/prediction_columns.hpp"
#include "row_scorer.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Scores batches of Arrow columns into Arrow columns (see arrow_reader and arrow_predictions), a few thousand records
/// at a time, so that converted values stay in the cache. Refers to the pipeline; one per thread.
///
///     auto scorer = arrow_scorer<decltype(pipe)>::make(pipe, schema);           // or: column 'x' is missing
///     if (auto wrong = scorer->score(batch, out)) ...                           // one struct a record
template <class Pipeline>
class arrow_scorer {
  using schema = typename Pipeline::schema_t;

 public:
  /// An error names the column of the schema that does not fit.
  static result<arrow_scorer> make(const Pipeline& pipe, const ArrowSchema& records,
                                   number_rule rule = number_rule::strict) {
    auto reader = arrow_reader<schema>::make(records);
    if (!reader) return reader.error();
    auto columns = typed_columns(pipe.layout());
    if (!columns) return columns.error();
    return arrow_scorer(pipe, *std::move(reader), *std::move(columns), rule);
  }

  /// Of the predictions.
  const prediction_columns& columns() const noexcept { return columns_; }

  /// Predictions or errors for the records of a batch, in its order. The receiver releases *out, which is unchanged
  /// when the batch cannot be read. The caller keeps the batch.
  std::optional<error> score(const ArrowArray& batch, ArrowArray* out) {
    arrow_predictions gathered(columns_);
    gathered.reserve(static_cast<std::size_t>((std::max<std::int64_t>)(0, batch.length)));
    auto wrong = reader_.read_all(batch, records_, [&] {
      const validation_errors& errors = records_.check();
      gathered.append(scorer_.score(records_.view(), errors));
    });
    if (!wrong) gathered.move_to(out);
    return wrong;
  }

 private:
  arrow_scorer(const Pipeline& pipe, arrow_reader<schema> reader, prediction_columns columns, number_rule rule)
      : columns_(std::move(columns)), reader_(std::move(reader)), records_(rule), scorer_(pipe) {}

  prediction_columns columns_;
  arrow_reader<schema> reader_;
  column_importer<schema> records_;
  row_scorer<Pipeline> scorer_;
};

namespace detail {
/// The code of f() for a caller in C, which knows no exceptions: ENOMEM for memory that there is not.
template <class F>
int call_from_c(std::string& message, F&& f) noexcept {
  message.clear();
#if TABSCORE_EXCEPTIONS
  try {
    return f();
  } catch (const std::exception&) {  // std::bad_alloc, or the length of a batch that no memory has
    return ENOMEM;
  }
#else
  return f();
#endif
}
}  // namespace detail

/// Makes *out a stream of the predictions for the records of *in, computed batch by batch on demand, and takes over
/// *in. Refers to the pipeline. Errors of *in are passed on; ENOMEM: not enough memory; other errors are EINVAL with a
/// sentence. On an error of
/// this function, *in is released and *out is unchanged.
template <class Pipeline>
std::optional<error> score_arrow(const Pipeline& pipe, ArrowArrayStream* in, ArrowArrayStream* out,
                                 number_rule rule = number_rule::strict) {
  struct state {
    arrow_stream records;
    arrow_scorer<Pipeline> scorer;
    std::string message;

    int failed(int code) {
      const char* const why = records->get_last_error(records.get());
      message = why == nullptr ? "the stream of records failed" : why;
      return code;
    }
    int next(ArrowArray* to) {
      arrow_array batch;
      if (const int code = records->get_next(records.get(), batch.fresh()); code != 0) return failed(code);
      if (batch.empty()) {  // the end
        *to = ArrowArray{};
        return 0;
      }
      if (auto wrong = scorer.score(*batch, to)) {
        message = std::move(wrong->message);
        return EINVAL;
      }
      return 0;
    }
  };
  arrow_stream records(in);
  arrow_schema columns;
  if (records->get_schema(records.get(), columns.fresh()) != 0) {
    const char* const why = records->get_last_error(records.get());
    return error{errc::io, std::string("Arrow: ").append(why == nullptr ? "the stream has no schema" : why)};
  }
  auto scorer = arrow_scorer<Pipeline>::make(pipe, *columns, rule);
  if (!scorer) return scorer.error();
  auto owner = std::make_unique<state>(state{std::move(records), *std::move(scorer), {}});

  *out = ArrowArrayStream{};
  out->get_schema = [](ArrowArrayStream* s, ArrowSchema* to) {
    auto& self = *static_cast<state*>(s->private_data);
    return detail::call_from_c(self.message,
                               [&] { return arrow_predictions::export_schema(self.scorer.columns(), to), 0; });
  };
  out->get_next = [](ArrowArrayStream* s, ArrowArray* to) {
    auto& self = *static_cast<state*>(s->private_data);
    return detail::call_from_c(self.message, [&] { return self.next(to); });
  };
  out->get_last_error = [](ArrowArrayStream* s) -> const char* {
    const std::string& message = static_cast<state*>(s->private_data)->message;
    return message.empty() ? nullptr : message.c_str();
  };
  out->release = [](ArrowArrayStream* s) {
    delete static_cast<state*>(s->private_data);
    s->release = nullptr;
  };
  out->private_data = owner.release();
  return std::nullopt;
}

}  // namespace tabscore::inline TABSCORE_ABI

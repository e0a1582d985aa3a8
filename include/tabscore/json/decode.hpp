// SPDX-License-Identifier: MIT
#pragma once

#include <simdjson.h>

#include <string_view>

#include "../core/config.hpp"
#include "decode_progress.hpp"
#include "detail/fast.hpp"
#include "encoding.hpp"
#include "reference.hpp"
#include "syntax.hpp"

namespace tabscore::inline TABSCORE_ABI {

enum class decode_status {
  decoded,     ///< the batch holds the records; faults().not_finite may still name values that no model can use
  invalid,     ///< the values break the schema: faults().errors
  malformed,   ///< not JSON: syntax()
  unreadable,  ///< not UTF-8, or nested too deeply, or an integer of thousands of digits: why()
};

/// JSON bodies into batches. Keeps its working memory and what it learned of its clients' layout, so that a warm one
/// allocates nothing for a valid body; not for concurrent use, give each thread its own.
/// Text columns point into the body or the batch: both must outlive their use.
template <schema_type Schema, class Policy = coerce::strict>
class decoder {
 public:
  explicit decoder(std::string_view records_member = "records", decode_limits limits = {})
      : member_(records_member), limits_(limits) {}

  /// {"records": [{...}, ...]}, at least one. Replaces what was in the batch. With `some`, bad records do not make the
  /// list invalid: the batch holds the others, and faults() says which are bad and why.
  decode_status records(simdjson::padded_string_view body, batch<Schema>& to,
                        const decode_progress<Schema>& progress = {}, bool some = false) {
    const decode_status status = read_list(body, to, progress);
    return some && status == decode_status::invalid && !faults_.bad_rows.empty() ? decode_status::decoded
                                                                                 : all_or_none(status, to);
  }
  /// One record, the body itself.
  decode_status record(simdjson::padded_string_view body, batch<Schema>& to) {
    to.clear();
    faults_.clear();
    if (fast(body, to, record_layout_).record()) return decode_status::decoded;
    to.clear();
    return all_or_none(reference(body, to, [&](auto& reader, json_value v) { reader.record(v); }), to);
  }

  std::string_view records_member() const noexcept { return member_; }
  const decode_limits& limits() const noexcept { return limits_; }

  // What the last body was found to be.
  const decode_faults& faults() const noexcept { return faults_; }
  const syntax_error& syntax() const noexcept { return syntax_; }
  unreadable why() const noexcept { return why_; }

 private:
  using fast = detail::fast_reader<Schema, Policy>;

  decode_status read_list(simdjson::padded_string_view body, batch<Schema>& to,
                          const decode_progress<Schema>& progress) {
    to.clear();
    faults_.clear();
    fast quick(body, to, list_layout_, progress);
    if (quick.records(member_, limits_.max_records)) return decode_status::decoded;
    to.clear();
    if (quick.told()) progress(to);
    return reference(body, to, [&](auto& reader, json_value v) { reader.records(v, member_); });
  }
  static decode_status all_or_none(decode_status status, batch<Schema>& to) noexcept {
    if (status == decode_status::invalid) to.clear();
    return status;
  }

  template <class Read>
  decode_status reference(std::string_view body, batch<Schema>& to, Read&& read) {
    if (body.empty()) return missing_body();
    if (detail::looks_like_utf16_or_32(body) || !detail::utf8_or_surrogates(body)) {
      why_ = unreadable::encoding;
      return decode_status::unreadable;
    }
    const std::string_view text = detail::without_mark(body);
    if (const auto stop = detail::json_check(text).run()) {
      if (stop->message.empty()) {
        why_ = stop->why;
        return decode_status::unreadable;
      }
      syntax_ = detail::locate(text, *stop);
      return decode_status::malformed;
    }
    const json_value v(text.data() + text.find_first_not_of(" \n\r\t"), text.data() + text.size());
    if (v.kind() == json_kind::null) return missing_body();
    detail::reference_reader<Schema, Policy> reader(limits_, to, faults_);
    read(reader, v);
    return faults_.errors.empty() && faults_.unlisted == 0 ? decode_status::decoded : decode_status::invalid;
  }

  decode_status missing_body() {
    faults_.errors.push_back({field_error::no_row, field_error::no_field, fault::missing, {}});
    return decode_status::invalid;
  }

  std::string_view member_;
  decode_limits limits_;
  detail::record_layout<Schema> list_layout_;
  detail::record_layout<Schema> record_layout_;
  decode_faults faults_;
  syntax_error syntax_;
  unreadable why_{};
};

}  // namespace tabscore::inline TABSCORE_ABI

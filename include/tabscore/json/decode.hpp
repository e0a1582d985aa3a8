// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "../core/config.hpp"
#include "decode_progress.hpp"
#include "detail/fast.hpp"
#include "padded_text.hpp"
#include "reference.hpp"
#include "syntax.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// Decodes JSON bodies into batches. Keeps its memory and the layout of earlier records: a warm decoder allocates
/// nothing for a valid body. Not for concurrent use; one per thread. Text columns point into the body or the batch:
/// both must outlive their use.
template <schema_type Schema, class Policy = coerce::strict>
class decoder {
 public:
  /// The member that holds the records, and the limits of a body.
  explicit decoder(std::string_view records_member = "records", decode_limits limits = {})
      : member_(records_member), limits_(limits) {}

  /// Decodes {"records": [{...}, ...]} with at least one record; replaces the content of the batch. With `some`, bad
  /// records do not make the list invalid: the batch holds the others, and faults() has the bad records' errors.
  decode_status records(padded_text body, batch<Schema>& to, const decode_progress<Schema>& progress = {},
                        bool some = false) {
    const decode_status status = read_list(body, to, progress);
    return some && status == decode_status::invalid && !found_.faults.bad_rows.empty() ? decode_status::decoded
                                                                                       : all_or_none(status, to);
  }
  /// One record, the body itself.
  decode_status record(padded_text body, batch<Schema>& to) {
    to.clear();
    found_.faults.clear();
    if (fast(body, to, record_layout_).record()) return decode_status::decoded;
    to.clear();
    return all_or_none(reference(body, to, nullptr), to);
  }

  /// The member that holds the records.
  std::string_view records_member() const noexcept { return member_; }
  /// The limits of a body.
  const decode_limits& limits() const noexcept { return limits_; }

  // The result of the last body.
  /// The errors in fields, if decoding found some.
  const decode_faults& faults() const noexcept { return found_.faults; }
  /// Where the JSON is broken, when it is.
  const syntax_error& syntax() const noexcept { return found_.syntax; }
  /// Why the body cannot be read at all, when it cannot.
  unreadable why() const noexcept { return found_.why; }

 private:
  using fast = detail::fast_reader<Schema, Policy>;

  decode_status read_list(padded_text body, batch<Schema>& to, const decode_progress<Schema>& progress) {
    to.clear();
    found_.faults.clear();
    fast quick(body, to, list_layout_, progress);
    if (quick.records(member_, limits_.max_records)) return decode_status::decoded;
    to.clear();
    if (quick.told()) progress(to);
    return reference(body, to, &member_);
  }
  static decode_status all_or_none(decode_status status, batch<Schema>& to) noexcept {
    if (status == decode_status::invalid) to.clear();
    return status;
  }

  decode_status reference(std::string_view body, batch<Schema>& to, const std::string_view* member) {
    return detail::read_reference(body, detail::view_of(to), detail::policy_of<Policy>(), limits_, member, found_);
  }

  std::string_view member_;
  decode_limits limits_;
  detail::record_layout<Schema> list_layout_;
  detail::record_layout<Schema> record_layout_;
  detail::decode_findings found_;
};

}  // namespace tabscore::inline TABSCORE_ABI

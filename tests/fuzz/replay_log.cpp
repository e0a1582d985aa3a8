// SPDX-License-Identifier: MIT
// Any bytes as a prediction log that score_stream --replay reads: each line is a record, or is told of; the same
// however the log is cut into blocks. What the library logs of any text and number is read as it was.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tabscore/formats/ndjson.hpp>
#include <tabscore/log/jsonl_lines.hpp>
#include <vector>

#include "../../examples/score_stream/log_reader.hpp"
#include "../../examples/student_server/student.hpp"
#include "require.hpp"

namespace {

void add_record(std::string& to, const ts::columns<student>& records, std::size_t i) {
  const auto add = [&](auto value) { to.append(std::to_string(value)).append(" "); };
  to.append(records.get<"student_country">()[i]).append(" ");
  add(records.get<"days_on_platform">()[i]);
  add(std::bit_cast<std::uint64_t>(records.get<"minutes_watched">()[i]));
  add(records.get<"practice_exams_passed">()[i]);
  add(std::bit_cast<std::uint64_t>(records.get<"minutes_spent_on_exams">()[i]));
}

void add_verdict(std::string& to, double probability, bool label) {
  to.append(std::to_string(std::bit_cast<std::uint64_t>(probability))).append(label ? " 1 " : " 0 ");
}

const ts::prediction_layout layout(purchase::names, {});

struct log_contents {
  std::string records;     // with their verdicts
  std::string unreadable;  // lines and why
  std::uint64_t torn = 0;
  std::string other;

  bool operator==(const log_contents&) const = default;
};

/// All that is read of a log in blocks of whole lines, of at most `most` bytes where they have several.
log_contents read(std::string_view log, std::size_t most) {
  ts::ndjson_format<student> format;
  const auto decoder = format.decoder();
  ts::block_records<student> records;
  log_reader reader(layout);
  log_contents seen;
  while (!log.empty()) {
    std::size_t size = format.whole(log.substr(0, most), false);
    if (size == 0) size = std::min(log.find('\n'), log.size() - 1) + 1;
    input_block block;
    block.bytes.append(log.substr(0, size));
    log.remove_prefix(size);
    block.is_torn = block.bytes.view().back() != '\n';
    if (block.is_torn) block.bytes.append("\n");
    block.bytes.space(ts::block_padding);
    reader.read(block);
    for (const auto& [line, why] : reader.unreadable) seen.unreadable += std::to_string(line) + why;
    require(!decoder->decode(reader.records.view(), false, records, {}));
    require(records.size() == reader.then.size() && reader.values.size() == reader.then.size());
    auto rejected = records.rejected.begin();
    for (std::size_t i = 0, row = 0; i < reader.then.size(); ++i) {
      seen.records += std::to_string(reader.then[i].line) + " ";
      add_verdict(seen.records, reader.values[i], reader.then[i].label != 0);
      if (rejected != records.rejected.end() && rejected->position == i) {
        seen.records += rejected++->message;
      } else {
        add_record(seen.records, records.good.view(), row++);
      }
    }
  }
  seen.torn = reader.torn;
  seen.other = reader.other;
  return seen;
}

/// The bytes' records, logged with the bytes as probabilities.
void read_own(std::string_view bytes) {
  ts::ndjson_format<student> format;
  ts::block_records<student> records;
  ts::text_buffer block;
  block.append(bytes);
  block.append("\n");
  block.space(ts::block_padding);
  require(!format.decoder()->decode(block.view(), false, records, {}));
  const std::size_t rows = records.good.rows();
  if (rows == 0) return;
  std::vector<double> probabilities(rows);
  std::vector<std::uint8_t> labels(rows);
  std::string expected;
  for (std::size_t i = 0; i < rows; ++i) {
    std::memcpy(&probabilities[i], bytes.data() + i, std::min(sizeof(double), bytes.size() - i));
    if (!std::isfinite(probabilities[i])) probabilities[i] = 0.5;
    labels[i] = static_cast<unsigned char>(bytes[i]) % 2;
    expected += std::to_string(i + 1) + " ";
    add_verdict(expected, probabilities[i], labels[i] != 0);
    add_record(expected, records.good.view(), i);
  }
  const ts::jsonl_lines lines(bytes);
  ts::text_buffer log;
  const ts::predictions scores(layout, std::span<const double>(probabilities), labels, {}, 0.5);
  lines.append(log, ts::scored<student>{records.good.view(), scores}, {});
  const log_contents seen = read(log.view(), log.size());
  require(seen.records == expected && seen.unreadable.empty() && seen.torn == 0 && seen.other.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(read(bytes, 1U + data[0]) == read(bytes, size));
  read_own(bytes);
  return 0;
}

#include "replay.hpp"

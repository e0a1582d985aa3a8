// SPDX-License-Identifier: MIT
// One fuzz target per format of streams, chosen by TABSCORE_FUZZ_LOADER: any bytes give the same records wherever they
// are cut, or are an error in every case; no decoder reads beyond its block. Arguments: files or folders to replay.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/formats/native.hpp>
#include <tabscore/formats/ndjson.hpp>
#include <tabscore/formats/row_binary.hpp>

#include "../support/padded_block.hpp"
#include "require.hpp"

namespace {

using namespace tabscore;

using loan = schema<text<"purpose", min_length{1}, max_length{40}>, integer<"months", gt{0}>, real<"amount">,
                    optional<text<"sector">>, optional<boolean<"owner">>>;
using format = std::unique_ptr<record_format<loan>>;

[[maybe_unused]] format read_ndjson() { return std::make_unique<ndjson_format<loan, coerce::python>>(); }
[[maybe_unused]] format read_native() { return std::make_unique<native_format<loan, coerce::python>>(); }
[[maybe_unused]] format read_row_binary() {
  return std::make_unique<row_binary_format<loan, coerce::python>>(row_binary_header::names_and_types);
}

std::string text_of(const block_records<loan>& block) {
  std::string text;
  auto wrong = block.rejected.begin();
  std::size_t row = 0;
  const auto view = block.good.view();
  const auto add = [&](auto value) { text.append(std::to_string(value)).append(" "); };
  const auto add_text = [&](std::string_view value) { text.append(value.data() ? value : "none").append(" "); };
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (wrong != block.rejected.end() && wrong->position == i) {
      text.append(wrong++->message);
    } else {
      add_text(view.get<"purpose">()[row]);
      add(view.get<"months">()[row]);
      add(std::bit_cast<std::uint64_t>(view.get<"amount">()[row]));
      add_text(view.get<"sector">()[row]);
      add(std::bit_cast<std::uint64_t>(static_cast<double>(view.get<"owner">()[row++])));
    }
    text.append("\n");
  }
  require(wrong == block.rejected.end() && row == block.good.rows());
  return text;
}

/// What comes of a stream that arrives in pieces; nothing where it cannot be read to its end.
std::optional<std::string> read(std::string_view bytes, std::size_t piece) {
  const format f = TABSCORE_FUZZ_LOADER();
  std::string seen;
  std::unique_ptr<block_decoder<loan>> decoder;
  block_records<loan> records;
  std::size_t begin = 0;
  for (std::size_t end = 0; end < bytes.size() || !decoder;) {
    end += std::min(piece, bytes.size() - end);
    const bool last = end == bytes.size();
    if (!decoder) {
      const auto head = f->begin(bytes.substr(0, end), last);
      if (!head) return std::nullopt;
      if (*head == f->needs_more) {
        if (last) return std::nullopt;
        continue;
      }
      begin = *head;
      require(begin <= end);
      decoder = f->decoder();
    }
    const std::size_t size = f->whole(bytes.substr(begin, end - begin), last);
    require(size <= end - begin);
    if (size == 0) continue;
    std::string block(bytes.substr(begin, size));
    begin += size;
    std::optional<error> wrong;
    std::string text;
    if (f->has_lines()) {
      if (!block.ends_with('\n')) block.push_back('\n');
      const padded_block padded(block);
      wrong = decoder->decode(padded, true, records, {});
      text = text_of(records);
    } else {
      const std::unique_ptr<char[]> exact(new char[block.size()]);  // so that reading past the end is seen
      std::memcpy(exact.get(), block.data(), block.size());
      wrong = decoder->decode({exact.get(), block.size()}, false, records, {});
      if (!wrong) text = text_of(records);
    }
    if (wrong) return std::nullopt;
    seen += text;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read(bytes, size);
  require(read(bytes, 1U + data[0] % 64U) == whole);
  return 0;
}

#include "replay.hpp"

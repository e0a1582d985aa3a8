// SPDX-License-Identifier: MIT
#include <tabscore/log/chain.hpp>
#include <tabscore/log/jsonl_log.hpp>
#include <tabscore/schema/batch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/replaced.hpp"

namespace ts = tabscore;

using support::replaced;
using support::temporary_folder;

namespace {
using order = ts::schema<ts::text<"order">, ts::optional<ts::integer<"age">>>;

ts::chain_key key() {
  ts::chain_key k{};
  k.fill(7);
  return k;
}

ts::jsonl_settings chained() {
  ts::jsonl_settings s;
  s.file.sync = ts::durability::none;
  s.file.chain = key();
  s.model = "abc";
  return s;
}

void record(ts::jsonl_log& log, std::size_t rows, std::string_view name = "A-\"}, \"x") {
  ts::batch<order> records;
  for (std::size_t i = 0; i < rows; ++i) records.push_back(name, static_cast<std::int64_t>(i));
  const std::vector<double> p(rows, 0.25);
  const std::vector<std::uint8_t> label(rows);
  log.record(ts::scored<order>{records.view(), {p, label, 0.5}});
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file, std::ios::binary);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// "line: why" of every break.
std::string breaks(const std::vector<std::string>& lines, const ts::chain_key& k = key()) {
  ts::chain_checker checker(k);
  std::string found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (const auto why = checker.add(lines[i])) found += std::to_string(i + 1) + ": " + *why + "\n";
  }
  if (const auto why = checker.end_file()) found += *why + "\n";
  return found;
}

}  // namespace

TEST_CASE("a chain detects changes of its lines", "[log]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  {
    auto log = ts::jsonl_log::open(file.string(), chained()).value();
    CHECK(log.file()->repaired().chain_begun);
    record(log, 3);
    record(log, 1);
    REQUIRE(log.append_lines("{\"event\": \"override\", \"override\": {\"id\": \"A-1\"}, \"more\": 1}\n"));
    record(log, 2);
  }
  {
    auto log = ts::jsonl_log::open(file.string(), chained()).value();  // goes on
    CHECK_FALSE(log.file()->repaired().chain_begun);
    record(log, 2);
  }
  const auto lines = lines_of(file);
  REQUIRE(lines.size() == 9);
  CHECK(breaks(lines) == "");
  CHECK(lines[0].find("\"batch\"") == std::string::npos);
  CHECK(lines[2].find(R"(, "batch": 1, "follows": "00000000)") != std::string::npos);

  const auto changed = [&](auto&& change) {
    auto others = lines;
    change(others);
    return breaks(others);
  };
  using all = std::vector<std::string>;
  CHECK(changed([](all& l) { l[3] = replaced(l[3], "0.25", "0.26"); }) ==
        "4: batch 2 was changed: its lines are not those that were written\n");
  CHECK(changed([](all& l) { l[0] = replaced(l[0], "\"age\": 0", "\"age\": 9"); }) ==
        "3: batch 1 was changed: its lines are not those that were written, or the key is another one\n");
  CHECK(changed([](all& l) {
          l[0] = replaced(l[0], "\"salt\": \"", "\"salt\": \"0");
        }).starts_with("1: the line is not"));
  CHECK(changed([](all& l) { l.erase(l.begin() + 3); }) == "4: batch 2 is missing\n");
  CHECK(changed([](all& l) { l.erase(l.begin() + 3, l.begin() + 5); }) == "5: batches 2 to 3 are missing\n");
  CHECK(changed([](all& l) { l.erase(l.begin()); }).starts_with("2: batch 1 was changed"));
  CHECK(changed([](all& l) { std::swap(l[3], l[4]); }) ==
        "4: batch 2 is missing\n5: batch 2 follows batch 3: batches are out of order\n7: batch 3 is missing\n");
  CHECK(changed([](all& l) { std::swap(l[0], l[1]); }).starts_with("3: batch 1 was changed"));
  CHECK(changed([](all& l) { l.pop_back(); }) ==
        "1 line at the end of the file belong to no batch: the end of the batch is missing, or they were written "
        "without a chain\n");
  CHECK(changed([](all& l) {
          l.erase(l.begin(), l.begin() + 3);
        }).starts_with("1: the lines before batch 2 are missing"));
  CHECK(changed([](all& l) { l.insert(l.begin() + 3, l[3]); }) ==
        "5: batch 2 follows batch 2: batches are out of order\n");
  ts::chain_key other{};
  CHECK(breaks(lines, other)
            .starts_with("3: batch 1 was changed: its lines are not those that were written, or the key"));
}

TEST_CASE("the lines of a large batch are one batch of the chain", "[log]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  auto log = ts::jsonl_log::open(file.string(), chained()).value();
  record(log, 10'000);
  record(log, 2);
  REQUIRE(std::filesystem::file_size(file) > std::uintmax_t{2} << 20);
  const auto lines = lines_of(file);
  REQUIRE(lines.size() == 10'002);
  CHECK(breaks(lines) == "");
  const auto ends = [](const std::string& line) { return line.find("\"batch\": ") != std::string::npos; };
  CHECK(std::count_if(lines.begin(), lines.end(), ends) == 2);
  CHECK(ends(lines[9'999]));
}

TEST_CASE("the owner of the key can erase a record from a chained log", "[log]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  {
    auto log = ts::jsonl_log::open(file.string(), chained()).value();
    record(log, 2);
    REQUIRE(log.append_lines("{\"event\": \"override\", \"override\": {\"id\": \"A-1\"}}\n"));
  }
  auto lines = lines_of(file);
  const ts::log_chain chain(key());
  for (std::string& text : lines) {
    const auto erased = ts::erased_line(chain, text);
    REQUIRE(erased);
    CHECK(erased->find("A-") == std::string::npos);
    CHECK(erased->find("salt") == std::string::npos);
    CHECK(ts::erased_line(chain, *erased) == erased);
    text = *erased;
  }
  CHECK(breaks(lines) == "");
  lines[0] = replaced(lines[0], "{\"erased\": \"", "{\"erased\": \"0");
  CHECK(breaks(lines) != "");
}

TEST_CASE("a chain goes on over files, unchained lines and threads", "[log]") {
  const temporary_folder folder;
  const auto file = folder.path / "log.jsonl";
  auto settings = chained();
  const auto aside = [&] {
    std::vector<std::filesystem::path> files;
    for (const auto& one : std::filesystem::directory_iterator(folder.path)) {
      if (one.path().filename().string().starts_with("log.jsonl.2")) files.push_back(one.path());
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
      return std::pair(a.string().size(), a.string()) < std::pair(b.string().size(), b.string());
    });
    return files;
  };
  settings.file.rotate_bytes = 40'000;
  {
    auto log = ts::jsonl_log::open(file.string(), settings).value();
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (std::size_t k = 0; k < 100; ++k) record(log, k % 3 + 1);
      });
    }
  }
  REQUIRE(aside().size() > 2);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 10);  // as a power loss may leave it
  std::size_t lost = 0;
  {
    auto log = ts::jsonl_log::open(file.string(), settings).value();
    CHECK(log.file()->repaired().unchained);
    CHECK(log.file()->repaired().sealed);
    lost = aside().size() - 1;
    CHECK(std::filesystem::file_size(file) == 0);
  }
  {
    auto log = ts::jsonl_log::open(file.string(), settings).value();  // its last batch is in the file set aside
    record(log, 1);
  }
  auto files = aside();
  files.push_back(file);
  ts::chain_checker checker(key());
  for (std::size_t i = 0; i < files.size(); ++i) {
    ts::chain_checker alone(key());
    std::size_t wrong = 0;
    for (const std::string& line : lines_of(files[i])) {
      const auto why = checker.add(line);
      INFO(files[i] << ": " << why.value_or(""));
      wrong += why.has_value();
      if (i != lost) CHECK_FALSE(alone.add(line));  // each file names what it follows
    }
    const bool open = checker.end_file().has_value();
    CHECK((wrong != 0 || open) == (i == lost));
  }
  CHECK(checker.head()->batch == 400);

  settings.file.keep_age = std::chrono::hours(24);
  std::ofstream(folder.path / "log.jsonl.20200101T000000Z") << "old\n";
  const std::size_t kept = files.size() - 1;
  auto log = ts::jsonl_log::open(file.string(), settings).value();
  CHECK(aside().size() == kept);
}

TEST_CASE("only a regular file can be chained", "[log]") {
  const auto log = ts::jsonl_log::open("/dev/null", chained());
  REQUIRE_FALSE(log);
  CHECK(log.error().message == "prediction log '/dev/null': is not a regular file: its lines cannot be chained");
}

// SPDX-License-Identifier: MIT
#include <tabscore/files/descriptor.hpp>
#include <tabscore/log/append_file.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/files.hpp"

namespace ts = tabscore;
namespace fs = std::filesystem;
using support::contents;
using support::temporary_folder;
using ts::append_file;

namespace {
std::uint64_t on_disk(const fs::path& file) {
  struct ::stat now {};
  REQUIRE(::stat(file.c_str(), &now) == 0);
  return static_cast<std::uint64_t>(now.st_blocks) * 512;
}
/// Whether place on the disk can be had in advance here.
bool has_fallocate(const fs::path& folder) {
  const ts::files::unique_fd fd(::open((folder / "probe").c_str(), O_WRONLY | O_CREAT, 0600));
  return ::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, 1 << 16) == 0;
}
void write(const fs::path& file, std::string_view text) { std::ofstream(file, std::ios::binary) << text; }

/// Appends a text in parts of so many bytes; `between` is called before each but the first.
bool append_in_parts(append_file& file, std::string_view text, std::size_t bytes,
                     const std::function<void()>& between) {
  ts::text_buffer lines;
  const auto next = [&] {
    lines.clear();
    lines.append(text.substr(0, bytes));
    text.remove_prefix((std::min)(bytes, text.size()));
    return ts::batch_part{&lines, text.size()};
  };
  return file.append_parts(next(), [&] { return between(), next(); });
}

/// The files of the folder but for the one with the intents, by name.
std::map<std::string, std::string> logs(const fs::path& folder) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".intent") found[entry.path().filename().string()] = contents(entry.path());
  }
  return found;
}
}  // namespace

TEST_CASE("a last line without an end is sealed and does not swallow the next", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  write(path, "whole\ntor");
  auto file = append_file::open(path.string(), {}).value();
  CHECK(file->repaired().sealed);
  CHECK(file->append("next\n"));
  CHECK(contents(path) == "whole\ntor\nnext\n");
  file.reset();
  CHECK_FALSE(append_file::open(path.string(), {}).value()->repaired().sealed);
}

TEST_CASE("the unfinished part of a killed process is cut off, finished batches stay", "[monitor]") {
  const bool in_parts = GENERATE(false, true);
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const std::string before = std::string(99, 'b') + "\n", line = std::string(49, 'l') + "\n";
  std::string batch;
  while (batch.size() < 10'000) batch += line;
  for (const std::size_t arrived : {std::size_t{0}, std::size_t{1}, line.size(), std::size_t{3996}, std::size_t{3997},
                                    std::size_t{4000}, std::size_t{8092}, batch.size() - 1, batch.size()}) {
    fs::remove(path);
    // A file that may not grow any more takes a part of the batch; what follows kills the process.
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit most{before.size() + arrived, before.size() + arrived};
      std::signal(SIGXFSZ, SIG_DFL);
      auto file = append_file::open(path.string(), {});
      if (!file || ::setrlimit(RLIMIT_FSIZE, &most) != 0 || !(*file)->append(before)) ::_exit(1);
      if (in_parts) append_in_parts(**file, batch, 4000, [] {});
      if (!in_parts) static_cast<void>((*file)->append(batch));
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(fs::file_size(path) == before.size() + arrived);

    auto file = append_file::open(path.string(), {}).value();
    const bool whole = arrived == batch.size();
    CHECK(file->repaired().cut_bytes == (whole ? 0 : arrived));
    CHECK(file->append("next\n"));
    CHECK(contents(path) == before + (whole ? batch : "") + "next\n");
  }
}

TEST_CASE("a batch that ends between two of its parts is cut off", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const std::string batch = std::string(3999, 'a') + "\n" + std::string(3999, 'b') + "\n";
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = append_file::open(path.string(), {});
    if (!file || !(*file)->append("before\n")) ::_exit(1);
    append_in_parts(**file, batch, 4000, [] { ::kill(::getpid(), SIGKILL); });
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(fs::file_size(path) == 4007);
  auto file = append_file::open(path.string(), {}).value();
  CHECK(file->repaired().cut_bytes == 4000);
  CHECK(contents(path) == "before\n");
  CHECK_FALSE(append_in_parts(*file, batch, 4000, [] { throw std::bad_alloc(); }));
  CHECK(contents(path) == "before\n");
  CHECK(append_in_parts(*file, batch, 4000, [] {}));
  CHECK(file->append("behind\n"));
  CHECK(contents(path) == "before\n" + batch + "behind\n");
}

TEST_CASE("an append that failed leaves no intent that later lines could fall to", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const std::string line = std::string(99, 'x') + "\n";
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto file = append_file::open(path.string(), {});
    rlimit limit{};
    if (!file || !(*file)->append(line) || ::getrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(1);
    const rlim_t all = std::exchange(limit.rlim_cur, 5000);
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0 || (*file)->append(std::string(9999, 'y') + "\n")) ::_exit(1);
    limit.rlim_cur = all;
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0 || !(*file)->append(line)) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(append_file::open(path.string(), {}).value()->repaired().cut_bytes == 0);
  CHECK(contents(path) == line + line);
}

TEST_CASE("a file that another program truncated is continued", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  auto file = append_file::open(path.string(), {}).value();
  REQUIRE(file->append(std::string(9999, 'x') + "\n"));
  fs::resize_file(path, 0);
  REQUIRE(file->append("1\n"));
  file->tick();
  REQUIRE(file->append("2\n"));
  CHECK(contents(path) == "1\n2\n");
}

TEST_CASE("the size before a truncation by another program cuts nothing off", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const auto line = [](std::size_t size, char c) { return std::string(size - 1, c) + "\n"; };
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = append_file::open(path.string(), {});
    if (!file || !(*file)->append(line(3900, 'a')) || !(*file)->append(line(300, 'b')))
      ::_exit(1);  // over a page's end
    fs::resize_file(path, 0);
    if (!(*file)->append(line(3950, 'c'))) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(append_file::open(path.string(), {}).value()->repaired().cut_bytes == 0);
  CHECK(contents(path) == line(3950, 'c'));
}

TEST_CASE("of the files set aside the newest stay", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const std::vector<std::string> others{"log.20200101T000000", "log.20200101T000000Z.gz", "log.20200101T00000xZ",
                                        "log2.20200101T000000Z", "log.20200101T000000Z-1x"};
  for (const auto& name : others) write(folder.path / name, "another's\n");
  write(path.string() + ".20200101T000000Z", "1\n");
  write(path.string() + ".20200101T000000Z-2", "2\n");
  write(path.string() + ".20200101T000000Z-10", "10\n");
  write(path.string() + ".20210101T000000Z", "2021\n");
  const auto aside = [&] {
    auto found = logs(folder.path);
    for (const auto& name : others) CHECK(found.erase(name) == 1);
    found.erase("log");
    std::vector<std::string> texts;
    for (const auto& [name, text] : found) texts.push_back(text);
    std::sort(texts.begin(), texts.end());
    return texts;
  };
  append_file::open(path.string(), {.keep_files = 3}).value();
  CHECK(aside() == std::vector<std::string>{"10\n", "2\n", "2021\n"});
  auto file = append_file::open(path.string(), {.keep_files = 3}).value();
  REQUIRE(file->append("now\n"));
  REQUIRE(file->rotate());
  CHECK(aside() == std::vector<std::string>{"10\n", "2021\n", "now\n"});
  file.reset();
  append_file::open(path.string(), {.keep_bytes = 10}).value();
  CHECK(aside() == std::vector<std::string>{"2021\n", "now\n"});
  append_file::open(path.string(), {.keep_files = 1, .keep_bytes = 10}).value();
  CHECK(aside() == std::vector<std::string>{"now\n"});
  append_file::open(path.string(), {.keep_bytes = 1}).value();
  CHECK(aside().empty());
}

TEST_CASE("an intent about another file cuts nothing", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = append_file::open(path.string(), {});
    if (!file || !(*file)->append(std::string(100, 'x') + "\n")) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  fs::rename(path, folder.path / "elsewhere");
  write(path, "somebody's own\n");
  auto file = append_file::open(path.string(), {}).value();
  CHECK(file->append("next\n"));
  CHECK(contents(path) == "somebody's own\nnext\n");
}

TEST_CASE("a file has one writer", "[monitor]") {
  const temporary_folder folder;
  const auto path = (folder.path / "log").string();
  auto first = append_file::open(path, {}).value();
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    first.reset();
  });
  CHECK(append_file::open(path, {}).has_value());  // waits for the first to end
  ends.join();

  auto lasting = append_file::open(path, {}).value();
  const auto second = append_file::open(path, {});
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("another process") != std::string::npos);
}

TEST_CASE("files are set aside by size, and an append is not divided", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  auto file = append_file::open(path.string(), {.rotate_bytes = 10}).value();
  for (const char* text : {"1\n2\n3\n", "4\n", "5\n6\n7\n", "a line beyond the size\n", "8\n"})
    REQUIRE(file->append(text));
  REQUIRE(append_in_parts(*file, "9\n10\n11\n12\n", 2, [] {}));
  const auto found = logs(folder.path);
  REQUIRE(found.size() == 5);
  CHECK(found.at("log") == "9\n10\n11\n12\n");
  std::multimap<std::string, int> texts;
  for (const auto& [name, text] : found) texts.emplace(text, 0);
  CHECK(texts.count("1\n2\n3\n4\n") == 1);
  CHECK(texts.count("5\n6\n7\n") == 1);
  CHECK(texts.count("a line beyond the size\n") == 1);
  CHECK(texts.count("8\n") == 1);
}

TEST_CASE("files are set aside by age, empty ones never", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  auto file = append_file::open(path.string(), {.rotate_age = std::chrono::seconds(1)}).value();
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  file->tick();
  CHECK(logs(folder.path).size() == 1);
  REQUIRE(file->append("old\n"));
  CHECK(logs(folder.path).size() == 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  file->tick();
  REQUIRE(file->append("new\n"));
  CHECK(logs(folder.path).size() == 2);
  CHECK(contents(path) == "new\n");
}

TEST_CASE("rotate() sets the file aside, or follows one that was renamed", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  auto file = append_file::open(path.string(), {}).value();
  CHECK(file->rotate());
  CHECK(logs(folder.path).size() == 1);
  REQUIRE(file->append("1\n"));
  CHECK(file->rotate());
  CHECK(contents(path).empty());
  REQUIRE(file->append("2\n"));
  fs::rename(path, folder.path / "moved");
  REQUIRE(file->append("3\n"));
  CHECK(contents(folder.path / "moved") == "2\n3\n");
  CHECK(file->rotate());
  REQUIRE(file->append("4\n"));
  CHECK(contents(path) == "4\n");
  CHECK(contents(folder.path / "moved") == "2\n3\n");
  CHECK(logs(folder.path).size() == 3);
}

TEST_CASE("a file that was removed is begun again, since nobody could read what is appended", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  auto file = append_file::open(path.string(), {}).value();
  REQUIRE(file->append("1\n"));
  fs::remove(path);
  file->tick();
  REQUIRE(file->append("2\n"));
  CHECK(contents(path) == "2\n");
  fs::rename(path, folder.path / "moved");  // as logrotate does: it may be read by that name
  file->tick();
  REQUIRE(file->append("3\n"));
  CHECK(contents(folder.path / "moved") == "2\n3\n");
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a file that grows fast has place on the disk in advance, and gives it back", "[monitor]") {
  const temporary_folder folder;
  if (!has_fallocate(folder.path)) {
    WARN("this file system cannot");
    return;
  }
  const auto path = folder.path / "log";
  constexpr std::uint64_t slack = 1 << 16;
  const std::string batch = std::string((2 << 20) - 1, 'x') + "\n", line = "a line\n";
  const auto room = [](const fs::path& of) { return on_disk(of) - std::min(on_disk(of), fs::file_size(of)); };
  {
    auto file = append_file::open(path.string(), {}).value();
    REQUIRE(file->append(line));
    file->tick();
    CHECK(room(path) <= slack);  // not for so little
    REQUIRE(file->append(batch));
    file->tick();
    CHECK(room(path) >= 4 * batch.size());
    CHECK(fs::file_size(path) == line.size() + batch.size());
    file->tick();
    REQUIRE(file->append(batch));
    file->tick();
    CHECK(on_disk(path) <= 6 * batch.size() + slack);  // there is enough still

    REQUIRE(file->rotate());
    for (const auto& [name, text] : logs(folder.path)) {
      if (name == "log" || name == "probe") continue;
      CHECK(room(folder.path / name) <= slack);
      CHECK(text == line + batch + batch);
    }
    REQUIRE(file->append(batch));
    file->tick();
    CHECK(room(path) > slack);
    fs::resize_file(path, 0);  // as logrotate's copytruncate does
    file->tick();
    REQUIRE(file->append(batch));
    file->tick();
    CHECK(room(path) > slack);
  }
  CHECK(room(path) <= slack);
  CHECK(contents(path) == batch);

  const pid_t child = ::fork();
  if (child == 0) {
    auto file = append_file::open(path.string(), {});
    if (!file || !(*file)->append(batch)) ::_exit(1);
    (*file)->tick();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(room(path) > slack);
  const auto heir = append_file::open(path.string(), {}).value();
  CHECK(room(path) <= slack);
  CHECK(contents(path) == batch + batch);
}

TEST_CASE("a file that will be set aside takes no place beyond its size", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const std::string batch = std::string((2 << 20) - 1, 'x') + "\n";
  auto file = append_file::open(path.string(), {.rotate_bytes = 3 << 20}).value();
  REQUIRE(file->append(batch));
  file->tick();
  CHECK(on_disk(path) <= (3 << 20) + (1 << 16));
}

TEST_CASE("a pipe is written to and nothing else", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const ts::files::unique_fd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  auto file = append_file::open(path.string(), {.sync = ts::durability::always, .rotate_bytes = 1}).value();
  CHECK(append_in_parts(*file, "line\nnext\n", 5, [] {}));
  CHECK(file->rotate());
  CHECK(file->sync());
  char text[16] = {};
  CHECK(::read(reader.get(), text, sizeof text) == 10);
  CHECK(std::string_view(text) == "line\nnext\n");
  CHECK_FALSE(fs::exists(path.string() + ".intent"));
}

TEST_CASE("a pipe whose reader stops is not waited for, and gets whole lines when it reads again", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const ts::files::unique_fd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  auto file = append_file::open(path.string(), {}).value();
  const auto batch = [](char c) {
    std::string text;
    while (text.size() < 50'000) text += std::string(99, c) + "\n";
    return text;
  };
  REQUIRE(file->append(batch('a')));
  CHECK_FALSE(file->append(batch('b')));  // in part
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) CHECK_FALSE(file->append(batch('c')));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(200));
  std::string got;
  const auto read_all = [&] {
    char some[4096];
    for (ssize_t n; (n = ::read(reader.get(), some, sizeof some)) > 0;) got.append(some, static_cast<std::size_t>(n));
  };
  read_all();
  file->tick();
  read_all();
  CHECK(got == batch('a') + batch('b'));
  CHECK(file->append("d\n"));
  read_all();
  CHECK(got == batch('a') + batch('b') + "d\n");
}

TEST_CASE("a pipe whose reader leaves is a failure and no signal, and the next reader goes on", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto begin = std::chrono::steady_clock::now();
  const auto unread = append_file::open(path.string(), {});
  REQUIRE_FALSE(unread);
  CHECK(unread.error().message.find("is a pipe without a reader") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    ts::files::unique_fd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
    auto file = append_file::open(path.string(), {});
    if (!file || (*file)->append(std::string(99'999, 'x') + "\n")) ::_exit(1);
    reader = {};
    if ((*file)->append("y\n") || (*file)->append("y\n")) ::_exit(2);
    reader = ts::files::unique_fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
    char text[8] = {};
    std::string got;
    const auto read_all = [&] {
      for (ssize_t n; (n = ::read(reader.get(), text, sizeof text)) > 0;) got.append(text, static_cast<std::size_t>(n));
    };
    read_all();  // what the one before it left
    if (!(*file)->append("z\n")) ::_exit(3);
    read_all();
    if (got != std::string(99'999, 'x') + "\nz\n") ::_exit(4);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("files set aside get names in their order, whatever is deleted and whatever the clock says", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  auto file = append_file::open(path.string(), {.keep_files = 3}).value();
  const auto aside = [&] {
    auto found = logs(folder.path);
    found.erase("log");
    std::vector<std::string> texts;
    for (const auto& [name, text] : found) texts.push_back(text);
    std::sort(texts.begin(), texts.end());
    return texts;
  };
  for (int i = 100; i < 140; ++i) {
    REQUIRE(file->append(std::to_string(i) + "\n"));
    REQUIRE(file->rotate());
  }
  CHECK(aside() == std::vector<std::string>{"137\n", "138\n", "139\n"});
  for (const auto& [name, text] : logs(folder.path)) {
    if (name != "log") fs::remove(folder.path / name);
  }
  write(path.string() + ".20990101T000000Z", "the clock was wrong\n");
  fs::create_directory(path.string() + ".20990101T000000Z-2");
  for (int i = 140; i < 143; ++i) {
    REQUIRE(file->append(std::to_string(i) + "\n"));
    REQUIRE(file->rotate());
  }
  fs::remove(path.string() + ".20990101T000000Z-2");
  CHECK(aside() == std::vector<std::string>{"140\n", "141\n", "142\n"});
}

TEST_CASE("a log is its owner's to read, also when it is set aside; modes that were set stay", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  const auto mode = [](const fs::path& of) { return static_cast<unsigned>(fs::status(of).permissions()); };
  const mode_t before = ::umask(0);
  {
    auto file = append_file::open(path.string(), {}).value();
    REQUIRE(file->append("1\n"));
    REQUIRE(file->rotate());
    REQUIRE(file->append("2\n"));
    for (const auto& entry : fs::directory_iterator(folder.path)) CHECK(mode(entry) == 0600);
    fs::permissions(path, fs::perms(0640));
    REQUIRE(file->rotate());
    CHECK(mode(path) == 0640);
  }
  CHECK(append_file::open((folder.path / "other").string(), {.mode = 0664}).has_value());
  CHECK(mode(folder.path / "other") == 0664);
  ::umask(before);
}

TEST_CASE("a log that is a link is the file that it leads to; its intents are never a link", "[monitor]") {
  const temporary_folder folder;
  const auto path = folder.path / "log";
  fs::create_directory(folder.path / "real");
  fs::create_symlink("real/log", path);
  {
    auto file = append_file::open(path.string(), {}).value();
    REQUIRE(file->append("1\n"));
    REQUIRE(file->rotate());
    REQUIRE(file->append("2\n"));
    CHECK(fs::is_symlink(path));
    CHECK(contents(folder.path / "real" / "log") == "2\n");
    CHECK(logs(folder.path / "real").size() == 2);
    CHECK_FALSE(append_file::open((folder.path / "real" / "log").string(), {}).has_value());
    fs::remove(path);
    fs::create_symlink("real/other", path);
    REQUIRE(file->rotate());
    REQUIRE(file->append("3\n"));
    CHECK(contents(folder.path / "real" / "other") == "3\n");
    CHECK(contents(folder.path / "real" / "log") == "2\n");
  }
  write(folder.path / "victim", "precious\n");
  fs::create_symlink(folder.path / "victim", folder.path / "new.intent");
  const auto refused = append_file::open((folder.path / "new").string(), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("is a symbolic link; remove it") != std::string::npos);
  CHECK(contents(folder.path / "victim") == "precious\n");
  fs::remove(folder.path / "new.intent");
  fs::create_hard_link(folder.path / "victim", folder.path / "new.intent");
  CHECK_FALSE(append_file::open((folder.path / "new").string(), {}).has_value());
}

TEST_CASE("every policy of durability keeps the lines and syncs without failure", "[monitor]") {
  const temporary_folder folder;
  for (const auto policy : {ts::durability::none, ts::durability::interval, ts::durability::always}) {
    const auto path = folder.path / std::to_string(static_cast<int>(policy));
    auto file =
        append_file::open(path.string(), {.sync = policy, .sync_interval = std::chrono::milliseconds(1)}).value();
    std::string all;
    for (int i = 0; i < 20; ++i) {
      REQUIRE(file->append(std::to_string(i) + "\n"));
      all += std::to_string(i) + "\n";
      file->tick();
    }
    CHECK(file->sync());
    CHECK(file->sync_failures() == 0);
    CHECK(contents(path) == all);
  }
}

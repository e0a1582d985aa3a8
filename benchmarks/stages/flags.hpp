// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <vector>

/// The flags of the programs in this folder. Each program takes those that its usage names.
struct flags {
  std::vector<std::size_t> records{};  ///< --records 1,3,100: sizes of requests
  std::size_t passes = 0;              ///< --passes N
  std::string_view only{};             ///< --only NAME
  bool json = false;                   ///< --json
  bool fresh = false;                  ///< --fresh

  /// False after it has printed the usage.
  bool read(int argc, char** argv, std::string_view usage) {
    for (int i = 1; i < argc; ++i) {
      const std::string_view flag = argv[i];
      const bool known = usage.find(fmt::format("[{}]", flag)) != usage.npos;
      const bool takes_value = usage.find(fmt::format("[{} ", flag)) != usage.npos && i + 1 < argc;
      if (flag == "--json" && known) {
        json = true;
      } else if (flag == "--fresh" && known) {
        fresh = true;
      } else if (flag == "--passes" && takes_value) {
        passes = std::strtoul(argv[++i], nullptr, 10);
      } else if (flag == "--only" && takes_value) {
        only = argv[++i];
      } else if (flag == "--records" && takes_value) {
        records.clear();
        for (char* p = argv[++i]; *p != '\0'; p += *p == ',') {
          if (const std::size_t n = std::strtoul(p, &p, 10); n != 0) records.push_back(n);
        }
      } else {
        return fmt::print(stderr, "usage: {}\n", usage), false;
      }
    }
    return true;
  }
};

// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <iostream>
#include <limits>
#include <optional>
#include <string>
#include <tabscore/core/read_number.hpp>
#include <utility>
#include <vector>

#include "standard_streams.hpp"

/// An option with one of some names as its value; --help and the message about any other list the names. (A
/// CLI::CheckedTransformer lists the values too, and those of an enum of bytes are control characters.)
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, T& value,
                        std::initializer_list<std::pair<std::string, T>> choices, const std::string& help) {
  std::vector<std::string> names;
  std::string preset;
  for (const auto& [name, choice] : choices) {
    names.push_back(name);
    if (choice == value) preset = name;
  }
  const std::vector<std::pair<std::string, T>> known(choices);
  return app
      .add_option_function<std::string>(
          flag,
          [known, &value](const std::string& text) {
            for (const auto& [name, choice] : known) {
              if (name == text) value = choice;
            }
          },
          help)
      ->check(CLI::IsMember(names))
      ->default_str(preset);
}

/// A whole number from `least` to `most`. (CLI11 takes -1 and numbers of more than 64 bits for the largest one, and an
/// empty text for 0.)
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& flag, T& value, const std::string& help, T least = 0,
                        T most = std::numeric_limits<T>::max()) {
  const CLI::Validator whole(
      [least, most](const std::string& text) {
        T read{};
        const bool is_right = tabscore::parse_number(text, read) && read >= least && read <= most;
        return is_right ? std::string() : fmt::format("'{}' is not a whole number from {} to {}", text, least, most);
      },
      "");
  return app.add_option(flag, value, help)->check(whole)->capture_default_str();
}

/// --separator of CSV.
inline void add_separator(CLI::App& app, char& separator, const std::string& help) {
  add_choice(app, "--separator", separator, {{",", ','}, {";", ';'}, {"|", '|'}, {"tab", '\t'}}, help);
}

/// Reads the command line. The status to exit with when it is wrong (2) or asked for help (0; 1 if that cannot be
/// printed), else nothing.
inline std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& e) {
    if (app.exit(e) != 0) return 2;
    if (std::cout.flush()) return 0;
    say("the standard output cannot be written\n");
    return 1;
  }
}

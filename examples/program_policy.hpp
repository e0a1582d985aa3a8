// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/compat/python_coercion.hpp>
#include <tabscore/json/coerce.hpp>

#include <string_view>

/// The coercion policy of a program that chooses it when it starts: coerce::python, or coerce::strict with --strict.
struct program_policy {
  inline static tabscore::number_rule numbers = tabscore::number_rule::lenient;
  inline static bool empty_is_record = tabscore::coerce::python::empty_is_record;
  inline static std::string_view reserved_name = tabscore::coerce::python::reserved_name;

  /// Before anything is read.
  static void be_strict() {
    numbers = tabscore::coerce::strict::numbers;
    empty_is_record = tabscore::coerce::strict::empty_is_record;
    reserved_name = tabscore::coerce::strict::reserved_name;
  }
  static bool is_strict() { return numbers == tabscore::number_rule::strict; }

  static auto integer(tabscore::json_value v) {
    return is_strict() ? tabscore::coerce::strict::integer(v) : tabscore::coerce::python::integer(v);
  }
  static auto real(tabscore::json_value v) {
    return is_strict() ? tabscore::coerce::strict::real(v) : tabscore::coerce::python::real(v);
  }
  static auto boolean(tabscore::json_value v) {
    return is_strict() ? tabscore::coerce::strict::boolean(v) : tabscore::coerce::python::boolean(v);
  }
  template <class Texts>
  static auto text(tabscore::json_value v, Texts& texts) {
    return is_strict() ? tabscore::coerce::strict::text(v, texts) : tabscore::coerce::python::text(v, texts);
  }
};

// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "../schema/field_error.hpp"

// Dialects: how a service words what is wrong. A dialect is a type with the members of this one.
namespace tabscore::dialect {

/// The words of pydantic 1, under FastAPI.
struct pydantic1 {
  struct wording {
    std::string_view message;  ///< the limit, if any, comes after it
    std::string_view after;    ///< and this after the limit
    std::string_view type;
    bool has_limit = false;
  };

  static constexpr wording words(fault f) noexcept {
    switch (f) {
      case fault::missing:
        return {"field required", "", "value_error.missing"};
      case fault::null:
        return {"none is not an allowed value", "", "type_error.none.not_allowed"};
      case fault::not_integer:
        return {"value is not a valid integer", "", "type_error.integer"};
      case fault::not_real:
        return {"value is not a valid float", "", "type_error.float"};
      case fault::not_boolean:
        return {"value could not be parsed to a boolean", "", "type_error.bool"};
      case fault::not_text:
        return {"str type expected", "", "type_error.str"};
      case fault::not_record:
        return {"value is not a valid dict", "", "type_error.dict"};
      case fault::not_list:
        return {"value is not a valid list", "", "type_error.list"};
      case fault::below:
        return {"ensure this value is greater than or equal to ", "", "value_error.number.not_ge", true};
      case fault::not_above:
        return {"ensure this value is greater than ", "", "value_error.number.not_gt", true};
      case fault::above:
        return {"ensure this value is less than or equal to ", "", "value_error.number.not_le", true};
      case fault::not_below:
        return {"ensure this value is less than ", "", "value_error.number.not_lt", true};
      case fault::too_short:
        return {"ensure this value has at least ", " characters", "value_error.any_str.min_length", true};
      case fault::too_long:
        return {"ensure this value has at most ", " characters", "value_error.any_str.max_length", true};
      case fault::too_few:
        return {"ensure this value has at least ", " items", "value_error.list.min_items", true};
      case fault::too_many:
        return {"ensure this value has at most ", " items", "value_error.list.max_items", true};
      case fault::integer_range:  // pydantic's integers have no end, ours do
        return {"ensure this value fits into a signed 64-bit integer", "", "value_error.number.not_int64"};
      case fault::not_finite:
        return {"ensure this value is a finite number", "", "value_error.number.not_finite_number"};
      case fault::reserved_name:
        return {"BaseModel.__init__() got multiple values for argument '__pydantic_self__'", "", "type_error"};
    }
    return {};
  }

  static constexpr std::string_view syntax_type = "value_error.jsondecode";
  static constexpr std::string_view unreadable_detail = "There was an error parsing the body";
};

}  // namespace tabscore::dialect

// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <tabscore/tabscore.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>

#include "../standard_streams.hpp"
#include "settings.hpp"
#include "stop.hpp"

/// The text in an element of XML.
inline std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out.append("&amp;");
    } else if (c == '<') {
      out.append("&lt;");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

/// ClickHouse's type of a field.
constexpr std::string_view clickhouse_type(ts::field_kind kind) {
  switch (kind) {
    case ts::field_kind::integer:
      return "Nullable(Int64)";
    case ts::field_kind::real:
      return "Nullable(Float64)";
    case ts::field_kind::boolean:
      return "Nullable(Bool)";
    case ts::field_kind::text:
      return "Nullable(String)";
  }
  return "";
}

/// Prints the definition of the program as an executable_pool function of ClickHouse: an argument a field, and a tuple
/// of the prediction's columns and a reason as its result.
template <class Pipeline>
exit_code print_clickhouse_function(const settings& s, const Pipeline& pipe) {
  const auto columns = ts::typed_columns(pipe.layout());
  if (!columns) stop(exit_code::usage, columns.error().message);
  using schema = typename Pipeline::schema_t;
  print_out(
      R"(<!-- Goes where user_defined_executable_functions_config of the server looks (by default *_function.xml beside
     config.xml). The program, or a link to it, goes into user_scripts_path. An argument may have the narrower type of a
     table's column, UInt16 for Int64 say: fewer bytes for the pipe. A type narrower than the column's cuts values off. -->
<functions>
  <function>
    <type>executable_pool</type>
    <name>{}</name>
    <return_type>{}</return_type>
)",
      s.clickhouse_xml, xml_text(ts::native_writer(*columns).type()));
  schema::for_each([&]<std::size_t At>() {
    print_out("    <argument><type>{}</type><name>{}</name></argument>\n", clickhouse_type(schema::kinds[At]),
              xml_text(schema::names[At]));
  });
  print_out(R"(    <format>Native</format>
    <command>{}</command>
    <!-- Processes, of one thread each. -->
    <pool_size>{}</pool_size>
    <!-- Seconds to wait for a free process; milliseconds to wait for the answer to a block. -->
    <max_command_execution_time>60</max_command_execution_time>
    <command_read_timeout>10000</command_read_timeout>
    <command_write_timeout>10000</command_write_timeout>
    <command_termination_timeout>2</command_termination_timeout>
    <command_pipe_capacity>1048576</command_pipe_capacity>
    <deterministic>1</deterministic>
  </function>
</functions>
)",
            xml_text(s.clickhouse_command), (std::max)(std::thread::hardware_concurrency(), 1U));
  return is_output_written("score_stream") ? exit_code::done : exit_code::input_output;
}

// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/version.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tabscore/core/text_buffer.hpp>

#include "http_server.hpp"

namespace http {

namespace beast = boost::beast::http;
using boost::beast::iequals;
using boost::system::error_code;

inline std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// Beast's parser, keeping the few headers that matter as views of the bytes that it was given.
class request_parser final : public beast::basic_parser<true> {
 public:
  /// `input`: the bytes that it will be given; `body` gets a body that comes in chunks.
  request_parser(const settings& config, std::string_view input, tabscore::text_buffer& body)
      : input_(input), body_(body) {
    header_limit(static_cast<std::uint32_t>(config.max_header_bytes));
    body_limit(config.max_body_bytes);
  }

  request asked{.padded = true};  // all but the body
  std::string_view host;          // and port
  std::string_view origin;        // of the page that asks
  bool asks_for_method = false;   // access-control-request-method: a preflight
  bool expects_continue = false;
  bool http11 = true;

 private:
  using text = boost::beast::string_view;

  void on_request_impl(beast::verb verb, text method, text target, int version, error_code& ec) override {
    if (verb == beast::verb::unknown) ec = beast::error::bad_method;
    http11 = version == 11;
    asked.method = view(method);
    std::string_view path = view(target);
    for (const text scheme : {text("http://"), text("https://")}) {  // absolute form, as sent to proxies
      if (!iequals(target.substr(0, scheme.size()), scheme)) continue;
      const std::size_t end = std::min(path.find_first_of("/?", scheme.size()), path.size());
      host = path.substr(scheme.size(), end - scheme.size());  // whatever the header says (RFC 9112, 3.2.2)
      path.remove_prefix(end);
      break;
    }
    asked.set_target(path);
  }
  void on_field_impl(beast::field name, text name_text, text value, error_code& ec) override {
    using beast::field;
    if (is_header_done()) return;  // a trailer
    if (is_folded(value)) ec = beast::error::bad_value;
    if (name == field::host && ++hosts_ == 1 && host.data() == nullptr) host = view(value);
    if (name == field::content_type && asked.content_type.empty()) asked.content_type = view(value);
    if (name == field::accept) asked.accept = accept_.append(accept_.empty() ? "" : ",").append(view(value));
    if (name == field::content_encoding && !iequals(value, "identity")) asked.content_encoding = view(value);
    if (name == field::origin) origin = view(value);
    if (name == field::access_control_request_method) asks_for_method = true;
    if (name == field::expect) {
      expects_continue = iequals(value, "100-continue");
      if (!expects_continue) ec = beast::error::bad_value;
    }
    if (name == field::transfer_encoding && (!http11 || !iequals(value, "chunked"))) {
      ec = beast::error::bad_transfer_encoding;  // Beast lets other codings pass and would then see no body at all
    }
    if (name == field::unknown && iequals(name_text, "x-request-id")) keep_single(asked.request_id, value);
    if (name == field::unknown && iequals(name_text, "traceparent")) keep_single(asked.traceparent, value);
  }
  void on_header_impl(error_code& ec) override {
    if (hosts_ > 1 || (http11 && hosts_ == 0)) ec = beast::error::bad_field;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, text bytes, error_code&) override {
    body_.append(view(bytes));
    return bytes.size();
  }
  // Bodies with a length are read straight into their buffer, not through the parser.
  std::size_t on_body_impl(text bytes, error_code&) override { return bytes.size(); }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
#if BOOST_VERSION >= 109000
  void on_trailer_field_impl(beast::field, text, text, error_code&) override {}
#endif
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, text, int, error_code&) override {}

  /// A value folded over lines (obsolete; RFC 9112 5.2 lets us refuse it) is in a buffer of Beast's that goes away.
  bool is_folded(text value) const {
    const std::less<> before;
    return before(value.data(), input_.data()) || !before(value.data(), input_.data() + input_.size());
  }
  /// Of several headers none counts.
  static void keep_single(std::string_view& to, text value) {
    to = to.data() == nullptr ? view(value) : std::string_view("");
  }

  const std::string_view input_;
  tabscore::text_buffer& body_;
  std::string accept_;  // all such headers
  int hosts_ = 0;
};

}  // namespace http

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

#include "byte_buffer.hpp"
#include "http_server.hpp"

namespace http {

namespace beast = boost::beast::http;
using boost::system::error_code;

inline std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// Beast's parser, keeping the few headers that matter as views of the bytes that it was given.
class request_parser final : public beast::basic_parser<true> {
 public:
  /// `input`: the bytes that it will be given; `body` gets a body that comes in chunks.
  request_parser(const settings& config, std::string_view input, byte_buffer& body) : input_(input), body_(body) {
    header_limit(static_cast<std::uint32_t>(config.max_header_bytes));
    body_limit(config.max_body_bytes);
  }

  request head;                  // all but the body
  std::string_view host;         // and port
  std::string_view origin;       // of the page that asks
  bool asks_for_method = false;  // access-control-request-method: a preflight
  bool expects_continue = false;
  bool http11 = true;

 private:
  void on_request_impl(beast::verb verb, boost::beast::string_view method, boost::beast::string_view target,
                       int version, error_code& ec) override {
    if (verb == beast::verb::unknown) ec = beast::error::bad_method;
    http11 = version == 11;
    head.method = view(method);
    std::string_view path = view(target);
    if (path.starts_with("http://")) {  // absolute form, as sent to proxies
      const std::size_t end = std::min(path.find_first_of("/?", 7), path.size());
      host = path.substr(7, end - 7);  // whatever the header says (RFC 9112, 3.2.2)
      path.remove_prefix(end);
    }
    head.set_target(path);
  }
  void on_field_impl(beast::field name, boost::beast::string_view name_text, boost::beast::string_view value,
                     error_code& ec) override {
    if (is_header_done()) return;  // a trailer
    switch (name) {
      case beast::field::host:
        ++hosts_, keep(host_, value, ec);
        break;
      case beast::field::content_type:
        if (++content_types_ == 1) keep(head.content_type, value, ec);
        break;
      case beast::field::accept:
        if (head.accept.data() == nullptr) {
          keep(head.accept, value, ec);
        } else {
          joined_accept_ = std::string(head.accept).append(",").append(view(value));
          head.accept = joined_accept_;
        }
        break;
      case beast::field::content_encoding:
        if (!boost::beast::iequals(value, "identity")) head.content_encoding = view(value);
        break;
      case beast::field::origin:
        keep(origin, value, ec);
        break;
      case beast::field::access_control_request_method:
        asks_for_method = true;
        break;
      case beast::field::expect:
        expects_continue = boost::beast::iequals(value, "100-continue");
        if (!expects_continue) ec = beast::error::bad_value;
        break;
      case beast::field::transfer_encoding:  // Beast lets other codings pass and would then see no body at all
        if (!http11 || !boost::beast::iequals(value, "chunked")) ec = beast::error::bad_transfer_encoding;
        break;
      case beast::field::unknown:
        if (boost::beast::iequals(name_text, "x-request-id")) keep_single(head.request_id, value);
        if (boost::beast::iequals(name_text, "traceparent")) keep_single(head.traceparent, value);
        break;
      default:
        break;
    }
  }
#if BOOST_VERSION >= 109000
  void on_trailer_field_impl(beast::field, boost::beast::string_view, boost::beast::string_view, error_code&) override {
  }
#endif
  void on_header_impl(error_code& ec) override {
    if (hosts_ > 1 || (http11 && hosts_ == 0)) ec = beast::error::bad_field;
    if (host.data() == nullptr) host = host_;
  }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes, error_code&) override {
    body_.append(view(bytes));
    return bytes.size();
  }
  // Bodies with a length are read straight into their buffer, not through the parser.
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view bytes, error_code&) override { return bytes.size(); }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}

  /// A value folded over lines (obsolete; RFC 9112 5.2 lets us refuse it) is in a buffer of Beast's that goes away.
  bool is_folded(boost::beast::string_view value) const {
    const std::less<> before;
    return before(value.data(), input_.data()) || !before(value.data(), input_.data() + input_.size());
  }
  void keep(std::string_view& to, boost::beast::string_view value, error_code& ec) const {
    if (is_folded(value)) ec = beast::error::bad_value;
    to = view(value);
  }
  /// Of several headers none counts.
  void keep_single(std::string_view& to, boost::beast::string_view value) const {
    to = to.data() == nullptr && !is_folded(value) ? view(value) : std::string_view("");
  }

  const std::string_view input_;
  byte_buffer& body_;
  std::string joined_accept_;
  std::string_view host_;
  int hosts_ = 0;
  int content_types_ = 0;
};

}  // namespace http

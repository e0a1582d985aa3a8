// SPDX-License-Identifier: MIT
// A prediction service in one file: its declaration, and a minimal loop on Boost.Beast that answers POST
// /batch_predict.
//     http_server models/student_logistic.json 8000
// A production service also needs limits, reloads, metrics and documentation: examples/scoring_server has them.
#include <fmt/format.h>
#include <simdjson.h>
#include <tabscore/tabscore.hpp>

#include <utility>  // Boost 1.74 uses std::exchange without including it

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace ts = tabscore;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using ts::col;

// The fields of a record. A record that breaks a bound is answered with status 422 and all its errors.
using student = ts::schema<ts::text<"student_country", ts::min_length{2}, ts::max_length{64}>,
                           ts::integer<"days_on_platform", ts::ge{0}>,        //
                           ts::real<"minutes_watched", ts::ge{0}>,            //
                           ts::integer<"courses_started", ts::ge{0}>,         //
                           ts::integer<"practice_exams_started", ts::ge{0}>,  //
                           ts::integer<"practice_exams_passed", ts::ge{0}>,   //
                           ts::real<"minutes_spent_on_exams", ts::ge{0}>>;

// The conditions between its values, and the engineered features of the model.
const ts::rules rules{ts::rule(col<"practice_exams_passed"> <= col<"practice_exams_started">,
                               "practice_exams_passed cannot exceed practice_exams_started.")};
const ts::features features{
    ts::feature<"engagement_score">(0.6 * col<"minutes_watched"> + 0.3 * col<"days_on_platform"> +
                                    10.0 * col<"courses_started">),
    ts::feature<"exam_success_rate">(where(col<"practice_exams_started"> > 0,
                                           col<"practice_exams_passed"> / (col<"practice_exams_started"> + 1e-6), 0.0)),
    ts::feature<"learning_consistency">(col<"minutes_watched"> / max(col<"days_on_platform">, 1))};

/// A sink: called once per fully scored batch, by the thread that scored it.
struct counts {
  std::atomic<std::uint64_t> records = 0, positive = 0;
  void record(const ts::scored<student>& batch) noexcept {
    records += batch.scores.rows();
    for (std::size_t i = 0; i < batch.scores.rows(); ++i) positive += batch.scores.label[i] != 0;
  }
};

// Errors are worded and values coerced as by FastAPI with pydantic 1, for its clients. Without dialect and policy, a
// service has the library's own errors and takes no "45" for 45.
using dialect = ts::dialect::pydantic1;
using workspace = ts::workspace<student, ts::coerce::python>;

struct reply {
  http::status status;
  std::string body;
};

std::string detail(std::string_view sentence) {
  ts::text_buffer out;
  ts::append_detail<dialect>(out, sentence);
  return std::string(out.view());
}

reply to_reply(const ts::outcome& outcome) {
  static const ts::prediction_names names("predicted_purchase_probability", "predicted_purchase");
  if (const auto* p = std::get_if<ts::predictions>(&outcome)) {
    ts::text_buffer out;
    names.append_list(out, *p);
    return {http::status::ok, std::string(out.view())};
  }
  constexpr auto invalid = http::status::unprocessable_entity;
  if (const auto* e = std::get_if<ts::validation_errors>(&outcome))
    return {invalid, ts::to_json<dialect>(*e, student::names)};
  if (const auto* e = std::get_if<ts::syntax_error>(&outcome)) return {invalid, ts::to_json<dialect>(*e)};
  if (const auto* e = std::get_if<ts::broken_rule>(&outcome)) return {invalid, detail(e->message)};
  return {http::status::bad_request, detail("There was an error parsing the body")};
}

/// Answers the requests of one connection until it ends.
template <class Pipeline>
void attend(tcp::socket socket, const Pipeline& pipe, const counts& seen) try {
  workspace memory;  // one a thread
  boost::beast::flat_buffer buffer;
  for (bool more = true; more;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{64} << 20);
    http::read(socket, buffer, parser);
    const auto& asked = parser.get();

    reply r{http::status::not_found, detail("Not Found")};
    if (asked.target() == "/batch_predict" && asked.method() == http::verb::post) {
      const simdjson::padded_string body(asked.body());
      r = to_reply(ts::score_json(pipe, body, memory));
    } else if (asked.target() == "/counts" && asked.method() == http::verb::get) {
      r = {http::status::ok, fmt::format(R"({{"records":{},"positive":{}}})", seen.records, seen.positive)};
    }
    more = asked.keep_alive();
    http::response<http::string_body> answer(r.status, asked.version(), std::move(r.body));
    answer.set(http::field::content_type, "application/json");
    answer.keep_alive(more);
    answer.prepare_payload();
    http::write(socket, answer);
  }
} catch (const boost::system::system_error&) {  // the client has gone, or what it sent is not HTTP
}

int main(int argc, char** argv) try {
  if (argc != 3) return fmt::print(stderr, "usage: http_server MODEL PORT\n"), 2;
  const auto model = ts::load_model(argv[1]);  // a model file replays its trainer's own rows
  if (!model) return fmt::print(stderr, "{}\n", model.error().message), 1;
  counts seen;
  const auto pipe = ts::make_pipeline(student{}, rules, features, *model, ts::sinks{seen});
  if (!pipe) return fmt::print(stderr, "{}\n", pipe.error().message), 1;

  boost::asio::io_context context;
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[2]));  // 0: any free one
  tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), port});
  fmt::print("listening on http://127.0.0.1:{}\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  for (;;) {
    std::thread([&, socket = acceptor.accept()]() mutable { attend(std::move(socket), *pipe, seen); }).detach();
  }
} catch (const std::exception& e) {
  return fmt::print(stderr, "http_server: {}\n", e.what()), 1;
}

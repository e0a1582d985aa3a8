// SPDX-License-Identifier: MIT
#include <tabscore/compat/inference_errors.hpp>
#include <tabscore/compat/prediction_tensors.hpp>
#include <tabscore/compat/tensor_decoder.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;
using namespace std::string_literals;

namespace {

using loan = ts::schema<ts::text<"country", ts::min_length{2}>, ts::integer<"age", ts::ge{0}>, ts::real<"income">,
                        ts::boolean<"owner">, ts::optional<ts::real<"debt", ts::le{9}>>>;

std::string input(std::string_view name, std::string_view type, std::string_view shape, std::string_view data) {
  return R"({"name":")" + std::string(name) + R"(","datatype":")" + std::string(type) + R"(","shape":)" +
         std::string(shape) + R"(,"data":)" + std::string(data) + "}";
}
const std::string country = input("country", "BYTES", "[2]", R"(["US","Übersee\n"])");
const std::string age = input("age", "INT64", "[2]", "[45, 9223372036854775807]");
const std::string income = input("income", "FP64", "[2,1]", "[1.5, 2]");
const std::string owner = input("owner", "BOOL", "[2]", "[true,false]");
const std::string debt = input("debt", "FP64", "[2]", "[null,7]");

std::string request(const std::vector<std::string>& inputs, std::string_view more = {}) {
  std::string text = R"({"inputs":[)";
  for (const auto& i : inputs) text.append(text.back() == '[' ? "" : ",").append(i);
  return text.append("]").append(more).append("}");
}

/// One tensor instead of its good one.
std::string with(const std::string& tensor) {
  std::vector<std::string> all{country, age, income, owner};
  for (auto& t : all) {
    if (t.substr(0, t.find(',')) == tensor.substr(0, tensor.find(','))) t = tensor;
  }
  return request(all);
}

struct decoding {
  ts::tensor_decoder<loan> decode{{.max_records = 1000}};
  ts::batch<loan> records;

  std::string problem(const std::string& body) {
    REQUIRE(decode.read(body, records) == ts::tensor_status::malformed);
    CHECK(records.rows() == 0);
    return decode.problem();
  }
  std::string errors(const std::string& body) {
    REQUIRE(decode.read(body, records) == ts::tensor_status::invalid);
    CHECK(records.rows() == 0);
    ts::text_buffer out;
    ts::dialect::inference::append_errors(out, decode.faults().errors, ts::context_of<loan>());
    return std::string(out.view());
  }
};

}  // namespace

TEST_CASE("tensors become the columns of their fields", "[json]") {
  decoding d;
  const std::string body = request({owner, income, debt, age, country}, R"(,"id":"a\"1","outputs":[{"name":"p"}])");
  REQUIRE(d.decode.read(body, d.records) == ts::tensor_status::decoded);
  const auto c = d.records.view();
  REQUIRE(c.rows() == 2);
  CHECK(c.get<"country">()[0] == "US");
  CHECK(c.get<"country">()[1] == "Übersee\n");
  CHECK(c.get<"age">()[1] == INT64_MAX);
  CHECK(c.get<"income">()[0] == 1.5);
  CHECK(c.get<"income">()[1] == 2);
  CHECK(c.get<"owner">()[0]);
  CHECK_FALSE(c.get<"owner">()[1]);
  CHECK(std::isnan(c.get<"debt">()[0]));
  CHECK(c.get<"debt">()[1] == 7);
  CHECK(d.decode.id() == "a\"1");
  REQUIRE(d.decode.outputs().size() == 1);
  CHECK(d.decode.outputs()[0] == "p");

  REQUIRE(d.decode.read("\xEF\xBB\xBF" + request({country, age, income, owner}), d.records) ==
          ts::tensor_status::decoded);
  CHECK(std::isnan(d.records.view().get<"debt">()[1]));
  CHECK_FALSE(d.decode.id());
  CHECK(d.decode.outputs().empty());
}

TEST_CASE("every shape and datatype that holds the values will do", "[json]") {
  decoding d;
  for (const char* data : {"[1,2]", "[[1],[2]]", " [ [ 1 ] , [ 2 ] ] "}) {
    REQUIRE(d.decode.read(with(input("income", "FP64", "[2,1]", data)), d.records) == ts::tensor_status::decoded);
    CHECK(d.records.view().get<"income">()[1] == 2);
  }
  for (const char* type : {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"}) {
    for (const char* name : {"income", "age"}) {
      INFO(type << ' ' << name);
      REQUIRE(d.decode.read(with(input(name, type, "[2]", "[0,127]")), d.records) == ts::tensor_status::decoded);
    }
  }
  REQUIRE(d.decode.read(with(input("income", "FP32", "[2]", "[0.1,-1e-50]")), d.records) == ts::tensor_status::decoded);
  CHECK(d.records.view().get<"income">()[0] == static_cast<double>(0.1F));
  REQUIRE(d.decode.read(with(input("income", "FP64", "[2]", "[0.1,-1e-50]")), d.records) == ts::tensor_status::decoded);
  CHECK(d.records.view().get<"income">()[0] == 0.1);
  CHECK(d.records.view().get<"income">()[1] == -1e-50);
}

TEST_CASE("wrong elements are all named, record by record", "[json]") {
  decoding d;
  CHECK(d.errors(request({input("owner", "BOOL", "[2]", "[1,null]"), input("income", "FP64", "[2]", "[NaN,1e400]"),
                          input("age", "INT64", "[2]", "[-1,2.0]"), input("country", "BYTES", "[2]", R"(["é",5])"),
                          input("debt", "FP64", "[2]", "[10,\"3\"]")})) ==
        R"({"error":"country[0] must have at least 2 characters; age[0] must be at least 0; income[0] must be finite; )"
        R"(owner[0] must be true or false; debt[0] must be at most 9; country[1] must be a text; age[1] must be an )"
        R"(integer; income[1] must be finite; owner[1] must not be null; debt[1] must be a number"})");
  CHECK(d.errors(with(input("age", "INT8", "[2]", "[128,127]"))) == R"({"error":"age[0] must be at most 127"})");
  CHECK(d.errors(with(input("age", "UINT64", "[2]", "[-1,18446744073709551615]"))) ==
        R"({"error":"age[0] must be at least 0; age[1] must fit into a signed 64-bit integer"})");
  CHECK(d.errors(with(input("income", "FP32", "[2]", "[1e39,0]"))) == R"({"error":"income[0] must be finite"})");
  const auto all = [](const char* name, const char* type, const std::string& one) {
    std::string data = "[" + one;
    for (int i = 1; i < 30; ++i) data += "," + one;
    return input(name, type, "[30]", data + "]");
  };
  const std::string text = d.errors(request({all("age", "INT64", "-1"), all("income", "FP64", "0"),
                                             all("owner", "BOOL", "true"), all("country", "BYTES", "\"US\"")}));
  CHECK(text.find("age[19]") != std::string::npos);
  CHECK(text.find("age[20]") == std::string::npos);
  CHECK(text.ends_with("; and 10 more\"}"));
}

TEST_CASE("of the errors of all tensors the first ones are kept, the rest is counted", "[json]") {
  decoding d;
  d.decode = decltype(d.decode)({.max_errors = 2});
  const std::string body =
      request({input("owner", "BOOL", "[3]", "[true,1,1]"), input("income", "FP64", "[3]", "[1,2,3]"),
               input("age", "INT64", "[3]", "[-1,-1,-1]"), input("country", "BYTES", "[3]", R"(["US","US","US"])")});
  REQUIRE(d.decode.read(body, d.records) == ts::tensor_status::invalid);
  REQUIRE(d.decode.faults().errors.size() == 2);
  CHECK(d.decode.faults().errors[0].row == 0);
  CHECK(d.decode.faults().errors[1].row == 1);
  CHECK(d.decode.faults().errors[1].field == d.decode.faults().errors[0].field);
  CHECK(d.decode.faults().unlisted == 3);
}

TEST_CASE("a request that does not fit the schema gives one sentence", "[json]") {
  decoding d;
  CHECK(d.problem("") == "The body is empty.");
  CHECK(d.problem("\xFF{}") == "The body is not UTF-8.");
  CHECK(d.problem("{") ==
        "The body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
  CHECK(d.problem(std::string(2000, '[')) == "The body is nested too deeply, or has an integer of too many digits.");
  CHECK(d.problem("[]") == "The request is not an object.");
  CHECK(d.problem("null") == "The request is not an object.");
  CHECK(d.problem("{}") == "'inputs' is missing.");
  CHECK(d.problem(R"({"inputs":null})") == "'inputs' is missing.");
  CHECK(d.problem(R"({"inputs":{}})") == "'inputs' is not an array.");
  CHECK(d.problem(R"({"inputs":[7]})") == "An input is not an object.");
  CHECK(d.problem(R"({"inputs":[{}]})") == "An input has no name.");
  CHECK(d.problem(R"({"inputs":[{"name":7}]})") == "An input has no name.");
  CHECK(d.problem(request({})) == "The input 'country' is missing.");
  CHECK(d.problem(request({country, age, income})) == "The input 'owner' is missing.");
  CHECK(d.problem(request({country, age, income, owner, age})) == "The input 'age' is duplicated.");
  CHECK(d.problem(request({input("shoe size", "FP64", "[2]", "[1,2]")})) ==
        "The input 'shoe size' is none of this model's.");
  CHECK(d.problem(request({input(std::string(300, 'x'), "FP64", "[2]", "[1,2]")})) ==
        "The input with a name of 300 bytes is none of this model's.");
  CHECK(d.problem(request({country}, R"(,"id":7)")) == "'id' is not a string.");
  for (const char* const known :
       {R"("on_error":"fail")", R"("explain":0)", R"("explain":false)", R"("other":"skip")"}) {
    CHECK(d.problem(request({country}, R"(,"parameters":{)" + std::string(known) + "}")) ==
          d.problem(request({country})));
  }
  for (const char* const wrong :
       {R"("on_error":"Skip")", R"("on_error":1)", R"("explain":3)", R"("expl\u0061in":"yes")"}) {
    CHECK_THAT(d.problem(request({country}, R"(,"parameters":{)" + std::string(wrong) + "}")),
               support::ContainsSubstring("is neither"));
  }
  CHECK(d.problem(request({country}, R"(,"parameters":[])")) ==
        "The parameters of the request are not an object of strings, numbers and booleans.");
  CHECK(d.problem(request({country}, R"(,"parameters":{"a":{}})")) ==
        "The parameters of the request are not an object of strings, numbers and booleans.");
  CHECK(d.problem(request({country}, R"(,"outputs":{})")) == "'outputs' is not an array.");
  CHECK(d.problem(request({country}, R"(,"outputs":["p"])")) == "An output is not an object.");
  CHECK(d.problem(request({country}, R"(,"outputs":[{"name":"p"},{"name":"p"}])")) ==
        "The output 'p' is asked for twice.");
}

TEST_CASE("a tensor must be of its field's kind, and as long as it says", "[json]") {
  decoding d;
  for (const char* type : {"FP16", "BYTES", "int64", "", "INT128"}) {
    CHECK(d.problem(with(input("age", type, "[2]", "[1,2]"))) ==
          "The input 'age' has the datatype '" + std::string(type) + "', not INT64.");
  }
  CHECK(d.problem(with(input("age", "FP64", "[2]", "[1,2]"))) == "The input 'age' has the datatype 'FP64', not INT64.");
  CHECK(d.problem(with(input("country", "INT64", "[2]", "[1,2]"))) ==
        "The input 'country' has the datatype 'INT64', not BYTES.");
  CHECK(d.problem(with(R"({"name":"age","shape":[2],"data":[1,2]})")) == "The input 'age' has no datatype.");
  CHECK(d.problem(with(R"({"name":"age","datatype":"INT64","data":[1,2]})")) == "The input 'age' has no shape.");
  CHECK(d.problem(with(R"({"name":"age","datatype":"INT64","shape":[2]})")) ==
        "The input 'age' has no data (binary tensors are not understood).");
  CHECK(d.problem(with(R"({"name":"age","datatype":"INT64","shape":[2],"data":7})")) ==
        "The input 'age' has data that is not an array.");
  for (const char* shape : {"[]", "[2,2]", "[1,2]", "[2,1,1]", "[-2]", "[2.0]", "[\"2\"]", "[[2]]", "[null]", "[true]",
                            "[99999999999999999999]", "[2,0]"}) {
    INFO(shape);
    CHECK(d.problem(with(input("age", "INT64", shape, "[1,2]"))) ==
          "The input 'age' has a shape that is neither [n] nor [n,1].");
  }
  CHECK(d.problem(with(input("age", "INT64", "[3]", "[1,2,3]"))) == "The inputs have different lengths: 2 and 3.");
  for (const char* data : {"[]", "[1]", "[1,2,3]"}) {
    CHECK(d.problem(with(input("age", "INT64", "[2]", data))) ==
          "The data of the input 'age' has not the 2 elements that its shape says.");
  }
  for (const char* data : {"[[1],[2]]", "[1,[2]]", "[[1,2]]"}) {
    CHECK(d.problem(with(input("age", "INT64", "[2]", data))) ==
          "The data of the input 'age' is not nested as its shape says.");
  }
  for (const char* data : {"[[1],2]", "[1,[2]]", "[[1,2]]", "[[],[]]", "[[[1]],[[2]]]", "[[1],[2,3]]"}) {
    CHECK(d.problem(with(input("age", "INT64", "[2,1]", data))) ==
          "The data of the input 'age' is not nested as its shape says.");
  }
}

TEST_CASE("a shape is believed only as far as the body goes", "[json]") {
  const auto all = [](std::string_view rows, std::string_view data) {
    const auto shape = "[" + std::string(rows) + "]";
    return request({input("country", "BYTES", shape, data), input("age", "INT64", shape, data),
                    input("income", "FP64", shape, data), input("owner", "BOOL", shape, data)});
  };
  decoding d;
  CHECK(d.problem(all("0", "[]")) == "The inputs hold no records.");
  CHECK(d.problem(all("1001", "[1]")) == "There are more than 1000 records.");
  ts::tensor_decoder<loan> unlimited;
  REQUIRE(unlimited.read(all("4294967293", "[1]"), d.records) == ts::tensor_status::malformed);
  CHECK(unlimited.problem() == "The data of the input 'country' has not the 4294967293 elements that its shape says.");
  REQUIRE(unlimited.read(all("9223372036854775807", "[1]"), d.records) == ts::tensor_status::malformed);
  CHECK(d.records.capacity() < 100);
}

TEST_CASE("a request that is cut anywhere is refused", "[json]") {
  decoding d;
  const std::string whole = request({country, age, income, owner, debt}, R"(,"id":"x","outputs":[{"name":"p"}])");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK(d.decode.read(std::string(whole, 0, size), d.records) == ts::tensor_status::malformed);
  }
  CHECK(d.decode.read(whole, d.records) == ts::tensor_status::decoded);
}

TEST_CASE("outputs and metadata are written as the protocol says", "[json]") {
  ts::text_buffer out;
  const std::vector<double> p{0.5, 1};
  const std::vector<std::uint8_t> labels{0, 1, 1};
  ts::append_tensor(out, "p", std::span<const double>(p));
  ts::append_tensor(out, "l", std::span<const std::uint8_t>(labels));
  ts::append_tensor(out, "e", std::span<const double>());
  CHECK(out.view() == R"({"name":"p","datatype":"FP64","shape":[2],"data":[0.5,1.0]})"
                      R"({"name":"l","datatype":"INT64","shape":[3],"data":[0,1,1]})"
                      R"({"name":"e","datatype":"FP64","shape":[0],"data":[]})");
  out.clear();
  ts::append_tensor_metadata<loan>(out);
  CHECK(out.view() ==
        R"({"name":"country","datatype":"BYTES","shape":[-1]},{"name":"age","datatype":"INT64","shape":[-1]},)"
        R"({"name":"income","datatype":"FP64","shape":[-1]},{"name":"owner","datatype":"BOOL","shape":[-1]},)"
        R"({"name":"debt","datatype":"FP64","shape":[-1]})");
}

TEST_CASE("bad records may be left out, and are named", "[json]") {
  decoding d;
  const auto columns = [](const std::string& ages, const std::string& debts) {
    return request({input("country", "BYTES", "[4]", R"(["US","x","DE","Übersee"])"),
                    input("age", "INT64", "[4]", ages), input("income", "FP64", "[4,1]", "[1,2,3,4]"),
                    input("owner", "BOOL", "[4]", "[true,false,true,true]"), input("debt", "FP64", "[4]", debts)},
                   R"(,"parameters":{"on_error":"skip","explain":true})");
  };
  const std::string body = columns("[1,-2,3,null]", "[1,10,null,10]");
  REQUIRE(d.decode.open(body));
  CHECK(d.decode.skips());
  CHECK(d.decode.explains());
  REQUIRE(d.decode.records(d.records, true) == ts::tensor_status::decoded);
  REQUIRE(d.records.rows() == 2);
  CHECK(d.records.view().get<"country">()[1] == "DE");
  CHECK(d.records.view().get<"income">()[1] == 3);
  CHECK(d.decode.faults().bad_rows == std::vector<std::uint32_t>{1, 3});
  REQUIRE(d.decode.faults().errors.size() == 5);
  CHECK(d.decode.faults().errors[3].row == 3);
  CHECK(d.decode.faults().errors[3].what == ts::fault::null);
  // As a whole they are refused, with the same errors.
  REQUIRE(d.decode.read(body, d.records) == ts::tensor_status::invalid);
  CHECK(d.records.rows() == 0);
  CHECK(d.decode.faults().errors.size() == 5);
  CHECK(d.decode.faults().bad_rows.empty());
  // More errors than are listed leave out their records, too.
  ts::tensor_decoder<loan> few({.max_errors = 1});
  const std::string more = columns("[-1,-2,-3,4]", "[1,1,1,1]");
  REQUIRE(few.open(more));
  REQUIRE(few.records(d.records, true) == ts::tensor_status::decoded);
  CHECK(d.records.rows() == 1);
  CHECK(few.faults().errors.size() == 1);
  CHECK(few.faults().unlisted == 3);
  CHECK(few.faults().bad_rows == std::vector<std::uint32_t>{0, 1, 2});
}

TEST_CASE("numbers of a tensor are read as those of a record, however they are written", "[json]") {
  using loads = ts::schema<ts::integer<"count">, ts::real<"load">>;
  ts::tensor_decoder<loads> decode;
  ts::batch<loads> records;
  const auto one = [](std::string_view name, std::string_view type, const std::string& data) {
    return input(name, type, "[1,1]", data);
  };
  for (const std::string before : {"[", "[ ", "[[", "[ [ "}) {
    const std::string after = before.find('[', 1) == std::string::npos ? "]" : before.size() > 2 ? " ] ]" : "]]";
    for (const std::string text :
         {"0", "-0", "-7", "45", "12345678", "-1234567", "123456789", "9223372036854775807", "-9223372036854775808"}) {
      INFO(before << text << after);
      const std::string body =
          request({one("load", "INT64", before + text + after), one("count", "INT64", before + text + after)});
      REQUIRE(decode.read(body, records) == ts::tensor_status::decoded);
      CHECK(records.view().get<"count">()[0] == std::stoll(text));
      CHECK(records.view().get<"load">()[0] == static_cast<double>(std::stoll(text)));
    }
    for (const std::string text : {"0", "-0", "-0.0", "1.5", "-1.5", "1234.567", "12345678", "123456789", "0.1234567",
                                   "1e5", "1E-3", "-1e-400", "0.30000000000000004", "1.7976931348623157e308"}) {
      INFO(before << text << after);
      const std::string body =
          request({one("count", "INT64", before + "1" + after), one("load", "FP64", before + text + after)});
      REQUIRE(decode.read(body, records) == ts::tensor_status::decoded);
      const double v = records.view().get<"load">()[0];
      CHECK(v == std::stod(text == "-1e-400" ? "0" : text));
      CHECK(std::signbit(v) == (text[0] == '-' && text != "-0"));
    }
  }
}

TEST_CASE("of members with the same name the last one counts, of inputs the first bad one", "[json]") {
  decoding d;
  const std::string good = request({country, age, income, owner});
  const auto after = [&](const std::string& more) { return "{" + more + "," + good.substr(1); };
  CHECK(d.decode.read(after(R"("inputs":[7])"), d.records) == ts::tensor_status::decoded);
  CHECK(d.decode.read(after(R"("inputs":[])"), d.records) == ts::tensor_status::decoded);
  const auto before = [&](const std::string& more) { return good.substr(0, good.size() - 1) + "," + more + "}"; };
  CHECK(d.problem(before(R"("inputs":null)")) == "'inputs' is missing.");
  CHECK(d.problem(before(R"("inputs":{})")) == "'inputs' is not an array.");
  CHECK(d.problem(before(R"("inputs":[])")) == "The input 'country' is missing.");
  CHECK(d.problem(request({country, age, income, owner, debt, "7"})) == "An input is not an object.");
  CHECK(d.problem(request({country, age, income, owner, debt, age, "7"})) == "The input 'age' is duplicated.");
  CHECK(d.problem(request({"7", "7", "7", "7", "7", "7", "7", "7"})) == "An input is not an object.");
}

TEST_CASE("an output says why records were left out", "[json]") {
  ts::partial_predictions some;
  some.records = 5;
  some.rows = {1};
  some.errors = {{0, 1, ts::fault::null, {}},
                 {0, 2, ts::fault::not_real, {}},
                 {3, ts::field_error::no_field, ts::fault::not_record, {}}};
  some.broken = {{0, 2, "\"x\" is too low"}, {1, 3, "y is too low"}, {2, 3, "z, too"}};
  ts::text_buffer out;
  ts::append_error_output(out, "error", some, loan::names);
  CHECK(out.view() == R"({"name":"error","datatype":"BYTES","shape":[5],"data":["age must not be null; )"
                      R"(income must be a number","","\"x\" is too low","must be an object; y is too low; z, too",)"
                      R"("is refused: beyond the errors that are listed"]})");
}

// SPDX-License-Identifier: MIT
#include <tabscore/models/logistic.hpp>
#include <tabscore/monitor/moments.hpp>
#include <tabscore/outputs/prediction.hpp>
#include <tabscore/pipeline/score_arrow.hpp>
#include <tabscore/schema/batch.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/arrow_builder.hpp"
#include "support/catch.hpp"

namespace ts = tabscore;
using build = arrow_builder;
using ts::col;

namespace {

using loan = ts::schema<ts::text<"purpose", ts::min_length{1}, ts::max_length{8}>, ts::integer<"months", ts::gt{0}>,
                        ts::real<"amount", ts::gt{0}>, ts::boolean<"owns_home">, ts::optional<ts::text<"sector">>,
                        ts::optional<ts::integer<"age", ts::ge{18}>>>;

constexpr ts::rules loan_rules{ts::rule(col<"amount"> <= 50000 || col<"owns_home">, "above 50000 a home is needed")};
constexpr ts::features loan_features{ts::feature<"instalment">(col<"amount"> / col<"months">)};

// Treats a missing age as the mean.
struct loan_model {
  ts::feature_names names{{"months", "amount", "owns_home", "age", "instalment"}, {"purpose", "sector"}};
  const ts::feature_names& features() const { return names; }
  double threshold() const { return 0.5; }
  void score(const ts::feature_block& x, ts::scratch&, std::span<double> p) const {
    for (std::size_t i = 0; i < x.rows; ++i) {
      const double age = std::isnan(x.column(3)[i]) ? 40 : x.column(3)[i];
      const double margin = 0.01 * x.column(0)[i] - x.column(1)[i] / 40000 + 0.5 * x.column(2)[i] + age / 100 -
                            x.column(4)[i] / 1000 + (x.text[0][i] == "car" ? 0.25 : 0) +
                            (x.text[1][i] == "public" ? 0.125 : 0);
      p[i] = x.column(0)[i] == 13 ? std::nan("") : 1 / (1 + std::exp(-margin));
    }
  }
};

auto loan_pipeline(ts::moments& totals) {
  return ts::pipeline{loan{}, loan_rules, loan_features, loan_model{}, ts::sinks{totals}};
}

const std::vector<std::string> purposes{"car", "house", "study", "boat and"};
const std::vector<std::string> sectors{"public", "trade", "a sector of more than twelve bytes", ""};

/// Columns of valid records, in the types that fit the schema.
struct loans {
  std::vector<std::string> purpose, sector;
  std::vector<std::int64_t> months, age;
  std::vector<double> amount;
  std::vector<bool> owns_home, has_sector, has_age;

  explicit loans(std::size_t rows, unsigned seed = 1) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<std::int64_t>(random() % n); };
    for (std::size_t i = 0; i < rows; ++i) {
      purpose.push_back(purposes[random() % 4]);
      sector.push_back(sectors[random() % 4]);
      months.push_back(14 + below(100));
      age.push_back(18 + below(60));
      amount.push_back(static_cast<double>(1 + below(160000)) / 2);
      owns_home.push_back(random() % 2 == 0);
      has_sector.push_back(random() % 3 != 0);
      has_age.push_back(random() % 3 != 0);
    }
  }
  std::vector<build::node> columns() const {
    return {build::texts("purpose", purpose),           build::numbers("months", "l", months),
            build::numbers("amount", "g", amount),      build::numbers("owns_home", "b", owns_home),
            build::texts("sector", sector, has_sector), build::numbers("age", "l", age, has_age)};
  }
  ts::batch<loan> batch() const {
    ts::batch<loan> b;
    for (std::size_t i = 0; i < months.size(); ++i) {
      const auto known = has_sector[i] ? std::optional<std::string_view>(sector[i]) : std::nullopt;
      const auto years = has_age[i] ? std::optional<std::int64_t>(age[i]) : std::nullopt;
      b.push_back(std::string_view(purpose[i]), months[i], amount[i], bool{owns_home[i]}, known, years);
    }
    return b;
  }
};

struct answer {
  std::vector<double> probability;
  std::vector<int> label;
  std::vector<std::string> error;
  bool operator==(const answer&) const = default;
};

/// Reads exported predictions as a consumer would.
answer read(const ArrowArray& a) {
  answer out;
  REQUIRE(a.n_children == 3);
  const auto valid = [](const ArrowArray& c, std::size_t i) {
    const auto* bits = static_cast<const std::uint8_t*>(c.buffers[0]);
    return bits == nullptr || (bits[i / 8] >> i % 8 & 1) != 0;
  };
  std::int64_t nulls[3] = {};
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.length); ++i) {
    for (int c = 0; c < 3; ++c) nulls[c] += !valid(*a.children[c], i);
    const bool predicted = valid(*a.children[0], i);
    REQUIRE(predicted == valid(*a.children[1], i));
    REQUIRE(predicted != valid(*a.children[2], i));
    out.probability.push_back(predicted ? static_cast<const double*>(a.children[0]->buffers[1])[i] : -1);
    out.label.push_back(predicted ? static_cast<const std::uint8_t*>(a.children[1]->buffers[1])[i] : -1);
    const auto* ends = static_cast<const std::int64_t*>(a.children[2]->buffers[1]);
    out.error.emplace_back(static_cast<const char*>(a.children[2]->buffers[2]) + ends[i],
                           static_cast<std::size_t>(ends[i + 1] - ends[i]));
  }
  for (int c = 0; c < 3; ++c) REQUIRE(a.children[c]->null_count == nulls[c]);
  return out;
}

template <class Pipeline>
answer score(const Pipeline& pipe, const build::node& records, ts::number_rule rule = ts::number_rule::lenient) {
  const ts::arrow_schema schema = build::schema(records);
  const ts::arrow_array batch = build::array(records);
  auto scorer = ts::arrow_scorer<Pipeline>::make(pipe, *schema, rule);
  INFO((scorer ? "" : scorer.error().message));
  REQUIRE(scorer);
  ts::arrow_array out;
  const auto wrong = scorer->score(*batch, out.get());
  INFO((wrong ? wrong->message : ""));
  REQUIRE(!wrong);
  return read(*out);
}

answer directly(const ts::batch<loan>& batch) {
  ts::moments unused;
  const auto pipe = loan_pipeline(unused);
  ts::score_buffers buffers;
  answer out;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const auto one = pipe.score(batch.view().slice(i, 1), buffers);
    const auto* p = std::get_if<ts::predictions>(&one);
    const auto* rule = std::get_if<ts::broken_rule>(&one);
    out.probability.push_back(p ? p->probability[0] : -1);
    out.label.push_back(p ? p->label[0] : -1);
    out.error.emplace_back(rule ? rule->message : "");
  }
  return out;
}

template <class To, class From>
std::vector<To> as(const std::vector<From>& values) {
  std::vector<To> out;
  for (const From v : values) out.push_back(static_cast<To>(v));
  return out;
}

std::string refusal(const build::node& records) {
  ts::moments totals;
  const auto pipe = loan_pipeline(totals);
  const ts::arrow_schema schema = build::schema(records);
  const auto scorer = ts::arrow_scorer<decltype(loan_pipeline(totals))>::make(pipe, *schema);
  return scorer ? "" : scorer.error().message;
}

}  // namespace

TEST_CASE("Arrow columns give the bits that the records have one by one, faults beside them", "[columnar]") {
  for (const std::size_t rows : {0U, 1U, 7U, 64U, 257U, 5000U, 9001U}) {
    const loans some(rows, static_cast<unsigned>(rows));
    ts::moments totals;
    const answer got = score(loan_pipeline(totals), build::records(some.columns()));
    CHECK(got == directly(some.batch()));
    const auto predicted = static_cast<std::size_t>(std::count(got.error.begin(), got.error.end(), ""));
    CHECK(totals.read().samples == predicted);
    if (rows > 1000) CHECK(predicted < rows);
  }
  CHECK(build::alive == 0);
}

TEST_CASE("every column type that can hold the values gives the same predictions", "[columnar]") {
  loans some(300);
  for (auto& a : some.amount) a = 1 + std::floor(a / 1000);  // representable in every type
  for (std::size_t i = 0; i < 300; ++i) {
    if (!some.has_age[i]) some.age[i] = 0;
  }
  const answer expected = directly(some.batch());
  ts::moments totals;
  const auto pipe = loan_pipeline(totals);
  const auto with = [&](std::size_t column, build::node replacement) {
    auto columns = some.columns();
    columns[column] = std::move(replacement);
    const std::string format = columns[column].format;
    INFO(format);
    CHECK(score(pipe, build::records(columns)) == expected);
  };
  const auto numbers = [&](std::size_t column, const std::string& name, const auto& v, const std::vector<bool>& valid) {
    with(column, build::numbers(name, "c", as<std::int8_t>(v), valid));
    with(column, build::numbers(name, "C", as<std::uint8_t>(v), valid));
    with(column, build::numbers(name, "s", as<std::int16_t>(v), valid));
    with(column, build::numbers(name, "S", as<std::uint16_t>(v), valid));
    with(column, build::numbers(name, "i", as<std::int32_t>(v), valid));
    with(column, build::numbers(name, "I", as<std::uint32_t>(v), valid));
    with(column, build::numbers(name, "l", as<std::int64_t>(v), valid));
    with(column, build::numbers(name, "L", as<std::uint64_t>(v), valid));
    with(column, build::numbers(name, "f", as<float>(v), valid));
    with(column, build::numbers(name, "g", as<double>(v), valid));
  };
  const std::vector<bool> all(300, true);
  for (const auto& valid : {std::vector<bool>{}, all}) {
    numbers(1, "months", some.months, valid);
    numbers(2, "amount", some.amount, valid);
  }
  numbers(5, "age", some.age, some.has_age);
  with(3, build::numbers("owns_home", "C", as<std::uint8_t>(some.owns_home)));

  std::vector<double> ages = as<double>(some.age);  // as pandas writes optional integers
  for (std::size_t i = 0; i < 300; ++i) {
    if (!some.has_age[i]) ages[i] = std::nan("");
  }
  with(5, build::numbers("age", "g", ages));

  with(0, build::texts<std::int64_t>("purpose", some.purpose));
  with(0, build::text_views("purpose", some.purpose));
  with(4, build::texts<std::int64_t>("sector", some.sector, some.has_sector));
  const auto code = [](const std::vector<std::string>& in, const std::vector<std::string>& values, auto type) {
    std::vector<decltype(type)> codes;
    for (const auto& v : values) {
      codes.push_back(static_cast<decltype(type)>(std::find(in.begin(), in.end(), v) - in.begin()));
    }
    return codes;
  };
  const auto words = build::texts("", purposes);
  with(0, build::coded("purpose", "c", code(purposes, some.purpose, std::int8_t{}), words));
  with(0, build::coded("purpose", "I", code(purposes, some.purpose, std::uint32_t{}), words));
  with(0, build::coded("purpose", "l", code(purposes, some.purpose, std::int64_t{}), build::text_views("", purposes)));
  with(4, build::coded("sector", "s", code(sectors, some.sector, std::int16_t{}),
                       build::texts<std::int64_t>("", sectors), some.has_sector));
  // A null may be the dictionary's, too.
  auto with_null = sectors;
  with_null.emplace_back("nothing");
  auto codes = code(sectors, some.sector, std::int32_t{});
  for (std::size_t i = 0; i < 300; ++i) {
    if (!some.has_sector[i]) codes[i] = 4;
  }
  with(4, build::coded("sector", "i", codes, build::texts("", with_null, {true, true, true, true, false})));
  CHECK(build::alive == 0);
}

TEST_CASE("offsets of the batch and of its columns add up", "[columnar]") {
  const loans some(600);
  const answer all = directly(some.batch());
  ts::moments totals;
  auto records = build::records(some.columns());
  records.offset = 100;
  records.length = 400;
  for (auto& column : records.children) {
    column.offset = 37;
    column.length = 563;
  }
  const answer got = score(loan_pipeline(totals), records);
  for (std::size_t i = 0; i < 400; ++i) {
    CHECK(got.probability[i] == all.probability[i + 137]);
    CHECK(got.error[i] == all.error[i + 137]);
  }
}

TEST_CASE("columns that match are lent, not copied", "[columnar]") {
  const loans some(50);
  const auto records = build::records(some.columns());
  const auto schema = build::schema(records);
  const auto batch = build::array(records);
  const auto reader = ts::arrow_reader<loan>::make(*schema);
  REQUIRE(reader);
  ts::column_importer<loan> lent;
  REQUIRE(!reader->read(*batch, 10, 20, lent));
  CHECK(lent.view().get<"months">().data() == static_cast<const std::int64_t*>(batch->children[1]->buffers[1]) + 10);
  CHECK(lent.view().get<"amount">().data() == static_cast<const double*>(batch->children[2]->buffers[1]) + 10);
  const auto* const texts = static_cast<const char*>(batch->children[0]->buffers[2]);
  const auto* const offsets = static_cast<const std::int32_t*>(batch->children[0]->buffers[1]);
  CHECK(lent.view().get<"purpose">()[3].data() == texts + offsets[13]);
  CHECK(lent.check().empty());
  CHECK(lent.view().get<"sector">()[0].data() ==
        (some.has_sector[10] ? lent.view().get<"sector">()[0].data() : nullptr));
}

TEST_CASE("each wrong value is an error of its record alone, in words", "[columnar]") {
  const loans some(12);
  ts::moments totals;
  const auto pipe = loan_pipeline(totals);
  auto purpose = some.purpose;
  auto sector = some.sector;
  auto months = as<double>(some.months);
  auto amount = std::vector<double>(12, 1000.0);
  auto age = as<std::uint64_t>(some.age);
  std::vector<bool> has_amount(12, true);
  auto owns = as<std::int32_t>(some.owns_home);
  purpose[0] = "";
  purpose[1] = "nine char";
  purpose[2] = "\xFF\xFE";
  months[3] = 15.5;  // cut, as in JSON
  months[4] = 1e19;
  months[5] = std::nan("");
  months[6] = 0;
  has_amount[6] = false;
  amount[7] = std::numeric_limits<double>::infinity();
  age[8] = 1ULL << 63;
  owns[9] = 2;
  months[10] = 13;  // the model gives no number
  const std::vector<bool> all(12, true);
  const answer got =
      score(pipe, build::records({build::numbers("amount", "g", amount, has_amount), build::texts("purpose", purpose),
                                  build::numbers("extra", "tdD", as<std::int32_t>(months)),
                                  build::numbers("months", "g", months), build::texts("sector", sector),
                                  build::numbers("age", "L", age, all), build::numbers("owns_home", "i", owns)}));
  CHECK(got.error[0] == "purpose: must have at least 1 character");
  CHECK(got.error[1] == "purpose: must have at most 8 characters");
  CHECK(got.error[2] == "purpose: must be a text");
  CHECK(got.error[3] == "");
  CHECK(got.error[4] == "months: must fit into a signed 64-bit integer");
  CHECK(got.error[5] == "months: must be finite");
  CHECK(got.error[6] == "months: must be greater than 0; amount: must not be null");
  CHECK(got.error[7] == "amount: must be finite");
  CHECK(got.error[8] == "age: must fit into a signed 64-bit integer");
  CHECK(got.error[9] == "owns_home: must be true or false");
  CHECK(got.error[10] == "has no probability from 0 to 1");
  CHECK(got.error[11] == "");
  CHECK(got.probability[11] > 0);
  CHECK(totals.read().samples == 2);
}

TEST_CASE("an optional integer takes a column of doubles by the rule, with nulls and without", "[columnar]") {
  const loans some(4);
  ts::moments totals;
  const auto pipe = loan_pipeline(totals);
  const std::vector<double> age{45.9, 1e300, std::numeric_limits<double>::infinity(), 45};
  for (const auto& valid : {std::vector<bool>{}, std::vector<bool>(4, true)}) {
    auto columns = some.columns();
    columns[5] = build::numbers("age", "g", age, valid);
    const answer strict = score(pipe, build::records(columns), ts::number_rule::strict);
    for (std::size_t i = 0; i < 4; ++i) CHECK(strict.error[i] == "age: must be an integer");
    const answer lenient = score(pipe, build::records(columns));
    CHECK(lenient.error[0].empty());
    CHECK(lenient.error[1] == "age: must fit into a signed 64-bit integer");
    CHECK(lenient.error[2] == "age: must be finite");
    columns[5] = build::numbers("age", "l", std::vector<std::int64_t>(4, 45), valid);
    CHECK(lenient.probability[0] == score(pipe, build::records(columns)).probability[0]);  // cut
  }
}

TEST_CASE("a batch whose structs are null is null in every field", "[columnar]") {
  const loans some(9);
  auto records = build::records(some.columns());
  records.buffers = {build::bits({true, false, true, true, true, true, true, true, true})};
  records.present = {true};
  records.nulls = -1;  // not counted
  ts::moments totals;
  const answer got = score(loan_pipeline(totals), records);
  CHECK(got.error[1] ==
        "purpose: must not be null; months: must not be null; amount: must not be null; "
        "owns_home: must not be null");
  CHECK(got.probability[0] == directly(some.batch()).probability[0]);
}

TEST_CASE("columns that cannot feed their fields are refused by name", "[columnar]") {
  const loans some(3);
  const auto without = [&](std::size_t column) {
    auto columns = some.columns();
    columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(column));
    return refusal(build::records(columns));
  };
  const auto replaced = [&](std::size_t column, build::node by) {
    auto columns = some.columns();
    columns[column] = std::move(by);
    return refusal(build::records(columns));
  };
  CHECK(without(1) == "Arrow: column 'months' is missing");
  CHECK(without(4).empty());  // optional
  CHECK(replaced(1, build::texts("months", some.purpose)) ==
        "Arrow: column 'months' is of format 'u', which can't feed the field");
  CHECK(replaced(0, build::numbers("purpose", "l", some.months)) ==
        "Arrow: column 'purpose' is of format 'l', which can't feed the field");
  CHECK(replaced(1, build::numbers("months", "b", some.owns_home)) ==
        "Arrow: column 'months' is of format 'b', which can't feed the field");
  CHECK(replaced(3, build::numbers("owns_home", "g", some.amount)) ==
        "Arrow: column 'owns_home' is of format 'g', which can't feed the field");
  CHECK(replaced(2, build::numbers("amount", "tsu:UTC", some.months)) ==
        "Arrow: column 'amount' is of format 'tsu:UTC', which can't feed the field");
  CHECK(replaced(5, build::coded("age", "c", std::vector<std::int8_t>(3), build::numbers("", "l", some.age))) ==
        "Arrow: column 'age' is of format 'l' in a dictionary, which can't feed the field");
  CHECK(replaced(4, build::numbers("months", "l", some.months)) == "Arrow: column 'months' is duplicated");
  CHECK(refusal(build::numbers("months", "l", some.months)) == "Arrow: the records are not a struct but of format 'l'");
  CHECK(replaced(5, build::node{"n", "age", {}, {}, 3}).empty());
}

TEST_CASE("a batch that is not as its schema says is an error, not a crash", "[columnar]") {
  const loans some(10);
  ts::moments totals;
  const auto pipe = loan_pipeline(totals);
  const auto schema = build::schema(build::records(some.columns()));
  auto scorer = ts::arrow_scorer<std::remove_const_t<decltype(pipe)>>::make(pipe, *schema);
  REQUIRE(scorer);
  const auto message = [&](const build::node& records) {
    ts::arrow_array out;
    const auto batch = build::array(records);
    const auto wrong = scorer->score(*batch, out.get());
    CHECK(out.empty());
    return wrong ? wrong->message : "";
  };
  auto columns = some.columns();
  columns.pop_back();
  CHECK(message(build::records(columns)) == "Arrow: the batch has 5 columns, its schema 6");
  auto shorter = some.columns();
  shorter[1].length = 9;
  CHECK(message(build::records(shorter)) == "Arrow: column 'months' has fewer values than the batch has records");
  auto flat = some.columns();
  flat[1].buffers.pop_back();
  CHECK(message(build::records(flat)) == "Arrow: column 'months' is not laid out as its schema says");
  auto coded = some.columns();
  coded[0] = build::coded("purpose", "i", std::vector<std::int32_t>(10), build::texts("", purposes));
  CHECK(message(build::records(coded)) == "Arrow: column 'purpose' is not laid out as its schema says");

  auto records = build::records(coded);
  const auto coded_schema = build::schema(records);
  auto reader = ts::arrow_reader<loan>::make(*coded_schema);
  REQUIRE(reader);
  ts::column_importer<loan> lent;
  for (const std::int32_t code : {4, -1}) {
    coded[0] = build::coded("purpose", "i", std::vector<std::int32_t>{0, 1, code, 0, 0, 0, 0, 0, 0, 0},
                            build::texts("", purposes));
    const auto batch = build::array(build::records(coded));
    CHECK(!reader->read(*batch, 0, 2, lent));
    const auto wrong = reader->read(*batch, 0, 10, lent);
    REQUIRE(wrong);
    CHECK(wrong->message == "Arrow: column 'purpose' has a code outside its dictionary of 4");
  }
  const auto whole = build::array(build::records(coded));
  CHECK(reader->read(*whole, 1, 10, lent)->message == "Arrow: records 1 to 11 are not within the batch's 10");
  const ts::arrow_array dictionary(whole->children[0]->dictionary);  // taken, too
  CHECK(reader->read(*whole, 0, 2, lent)->message ==
        "Arrow: column 'purpose' has a dictionary that is not laid out as its schema says");

  auto batch = build::array(build::records(some.columns()));
  ts::arrow_array taken(batch->children[2]);  // a consumer took a column
  CHECK(scorer->score(*batch, ts::arrow_array().get())->message == "Arrow: column 'amount' was moved away");
  batch.reset();
  CHECK(scorer->score(*batch, ts::arrow_array().get())->message == "Arrow: the batch was moved away or released");
  CHECK(taken->length == 10);
}

TEST_CASE("exported predictions live as long as whoever took them", "[columnar]") {
  const loans some(100);
  ts::moments totals;
  const auto pipe = loan_pipeline(totals);
  const auto records = build::records(some.columns());
  const auto schema = build::schema(records);
  auto scorer = ts::arrow_scorer<std::remove_const_t<decltype(pipe)>>::make(pipe, *schema);
  REQUIRE(scorer);
  ts::arrow_array first, second;
  {
    const auto batch = build::array(records);
    REQUIRE(!scorer->score(*batch, first.get()));
    REQUIRE(!scorer->score(*batch, second.get()));
  }
  const answer before = read(*first);
  CHECK(before == directly(some.batch()));
  ts::arrow_array moved = std::move(first);  // the struct is moved, the callbacks go with it
  CHECK(first.empty());
  CHECK(read(*moved) == before);
  ts::arrow_array probability(moved->children[0]);
  ts::arrow_array error(moved->children[2]);
  moved.reset();
  CHECK(static_cast<const double*>(probability->buffers[1])[0] == before.probability[0]);
  CHECK(error->null_count == std::count(before.error.begin(), before.error.end(), ""));
  CHECK(read(*second) == before);

  ts::arrow_schema out;
  ts::arrow_predictions::export_schema(scorer->columns(), out.fresh());
  CHECK(std::string(out->format) == "+s");
  ts::arrow_schema child(out->children[1]);
  out.reset();
  CHECK(std::string(child->name) == "label");
  CHECK(std::string(child->format) == "C");
}

TEST_CASE("a stream of batches becomes a stream of predictions", "[columnar]") {
  struct producer {
    std::vector<build::node> batches;
    std::size_t next = 0;
    bool fails = false;
    static ArrowArrayStream* make(producer* self, ArrowArrayStream* out) {
      *out = ArrowArrayStream{};
      out->private_data = self;
      out->get_schema = [](ArrowArrayStream* s, ArrowSchema* to) {
        build::export_to(static_cast<producer*>(s->private_data)->batches[0], to);
        return 0;
      };
      out->get_next = [](ArrowArrayStream* s, ArrowArray* to) {
        auto& p = *static_cast<producer*>(s->private_data);
        *to = ArrowArray{};
        if (p.next == p.batches.size()) return p.fails ? EIO : 0;
        build::export_to(p.batches[p.next++], to);
        return 0;
      };
      out->get_last_error = [](ArrowArrayStream*) -> const char* { return "the disk is gone"; };
      out->release = [](ArrowArrayStream* s) {
        --build::alive;
        s->release = nullptr;
      };
      ++build::alive;
      return out;
    }
  };
  const loans one(10, 1), two(5000, 2);
  ts::moments totals;
  const auto pipe = loan_pipeline(totals);
  for (const bool fails : {false, true}) {
    producer p{{build::records(one.columns()), build::records(two.columns())}, 0, fails};
    ArrowArrayStream in;
    ts::arrow_stream out;
    REQUIRE(!ts::score_arrow(pipe, producer::make(&p, &in), out.get()));
    CHECK(in.release == nullptr);
    ts::arrow_schema schema;
    REQUIRE(out->get_schema(out.get(), schema.fresh()) == 0);
    CHECK(std::string(schema->children[2]->name) == "error");
    ts::arrow_array batch;
    REQUIRE(out->get_next(out.get(), batch.fresh()) == 0);
    CHECK(read(*batch) == directly(one.batch()));
    REQUIRE(out->get_next(out.get(), batch.fresh()) == 0);
    CHECK(read(*batch) == directly(two.batch()));
    CHECK(out->get_next(out.get(), batch.fresh()) == (fails ? EIO : 0));
    CHECK(batch.empty());
    if (fails) CHECK(std::string(out->get_last_error(out.get())) == "the disk is gone");
  }
  CHECK(build::alive == 0);

  auto columns = two.columns();
  columns[1].length = 4999;  // a lying producer
  producer lying{{build::records(one.columns()), build::records(columns)}};
  ArrowArrayStream in;
  ts::arrow_stream out;
  REQUIRE(!ts::score_arrow(pipe, producer::make(&lying, &in), out.get()));
  ts::arrow_array batch;
  REQUIRE(out->get_next(out.get(), batch.fresh()) == 0);
  CHECK(out->get_next(out.get(), batch.fresh()) == EINVAL);
  CHECK(std::string(out->get_last_error(out.get())) ==
        "Arrow: column 'months' has fewer values than the batch has records");
  out.reset();

  columns.pop_back();
  columns.erase(columns.begin());
  producer unfit{{build::records(columns)}};
  const auto wrong = ts::score_arrow(pipe, producer::make(&unfit, &in), out.get());
  REQUIRE(wrong);
  CHECK(wrong->message == "Arrow: column 'purpose' is missing");
  CHECK(in.release == nullptr);
  CHECK(out.empty());
  CHECK(build::alive == 0);
}

TEST_CASE("predictions of three classes and of two quantiles are columns", "[columnar]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto number = [](const ArrowArray& a, int child, std::size_t row) {
    return static_cast<const double*>(a.children[child]->buffers[1])[row];
  };
  const auto text = [](const ArrowArray& column, std::size_t row) {
    const auto* const ends = static_cast<const std::int64_t*>(column.buffers[1]);
    return std::string(static_cast<const char*>(column.buffers[2]) + ends[row],
                       static_cast<std::size_t>(ends[row + 1] - ends[row]));
  };
  const auto null_bits = [](const ArrowArray& column) {
    return 7 & ~static_cast<unsigned>(*static_cast<const std::uint8_t*>(column.buffers[0]));
  };
  const std::vector<ts::row_fault> faults{{1, "bad"}};

  ts::model_outputs classes;
  classes.task = ts::task::multiclass;
  classes.columns = 3;
  classes.classes = {"a", "long name", "c"};
  const ts::prediction_layout flowers(ts::multiclass<"species", "p">::names, classes);
  const auto columns = ts::typed_columns(flowers).value();
  const std::vector<double> values{0.5, 0.25, 0.25, nan, nan, nan, 0.125, 0.75, 0.125};
  const std::vector<std::uint32_t> class_at{0, 0, 1};
  ts::arrow_predictions gathered(columns);
  ts::arrow_array all;
  for (int again = 0; again < 2; ++again) {  // it starts over
    gathered.append({ts::predictions(flowers, {values, 3}, {}, class_at, 0.5), faults});
    gathered.move_to(all.fresh());
  }
  REQUIRE(all->n_children == 5);
  REQUIRE(all->length == 3);
  CHECK(text(*all->children[0], 0) == "a");
  CHECK(text(*all->children[0], 1).empty());
  CHECK(text(*all->children[0], 2) == "long name");
  CHECK(number(*all, 1, 0) == 0.5);
  CHECK(number(*all, 2, 2) == 0.75);
  CHECK(number(*all, 3, 2) == 0.125);
  CHECK(text(*all->children[4], 1) == "bad");
  for (int child = 0; child < 4; ++child) {
    CHECK(null_bits(*all->children[child]) == 2);
    CHECK(all->children[child]->null_count == 1);
  }
  CHECK(null_bits(*all->children[4]) == 5);
  CHECK(all->children[4]->null_count == 2);
  ts::arrow_schema schema;
  ts::arrow_predictions::export_schema(columns, schema.fresh());
  std::string described;
  for (std::int64_t i = 0; i < schema->n_children; ++i) {
    described.append(schema->children[i]->name).append(" ").append(schema->children[i]->format).append(";");
  }
  CHECK(described == "species U;p_a g;p_long name g;p_c g;error U;");

  ts::model_outputs levels;
  levels.task = ts::task::quantiles;
  levels.columns = 2;
  const ts::prediction_layout demand(ts::quantiles<"p10", "p90">::names, levels);
  const auto two = ts::typed_columns(demand).value();
  const std::vector<double> quantiles{1, 2, nan, nan, 3, 4};
  ts::arrow_predictions numbers(two);
  numbers.append({ts::predictions(demand, {quantiles, 2}, {}, {}, 0.5), faults});
  numbers.append({ts::predictions(demand, {quantiles, 2}, {}, {}, 0.5).slice(2, 1), {}});
  numbers.move_to(all.fresh());
  REQUIRE(all->n_children == 3);
  REQUIRE(all->length == 4);
  CHECK(number(*all, 0, 0) == 1);
  CHECK(number(*all, 1, 2) == 4);
  CHECK(number(*all, 0, 3) == 3);
  CHECK(number(*all, 1, 3) == 4);
  CHECK(null_bits(*all->children[1]) == 2);
  CHECK(text(*all->children[2], 1) == "bad");
}

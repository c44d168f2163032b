// The rows of bodies, and the names of their objects.
#include <gtest/gtest.h>

#include "api/body_rows.h"
#include "api/object_keys.h"
#include "api/parse.h"
#include "failure.h"
#include "http/error.h"

namespace pgrest {
namespace {

using api::Cell;

// The body must outlive what is made of it.
api::Payload payload(const char* type, const std::string& body, std::optional<std::vector<std::string>> columns = {}) {
    return api::parse_payload({{"Content-Type", type}}, body, columns, false);
}

std::string shown(const Cell& cell) {
    switch (cell.kind) {
        case Cell::Kind::Null:
            return "-";
        case Cell::Kind::Text:
            return "'" + std::string(cell.text) + "'";
        case Cell::Kind::Json:
            break;
    }
    return std::string(cell.nested ? "*" : "") + std::string(cell.text);
}

// Every row's cells, rows apart by "; ".
std::string rows_of(const char* type, const std::string& body, std::vector<std::string> names,
                    std::optional<std::vector<std::string>> columns = {}) {
    const api::Payload given = payload(type, body, columns);
    api::BodyRows rows(given, std::move(names));
    if (!rows.readable()) return "unreadable";
    std::string out;
    while (rows.next()) {
        if (!out.empty()) out += "; ";
        for (const Cell& cell : rows.cells())
            out += (&cell == rows.cells().data() ? "" : " ") + shown(cell);
    }
    return out;
}

constexpr const char* kJson = "application/json";

TEST(BodyRows, OfJson) {
    EXPECT_EQ(rows_of(kJson, R"([{"a":1,"b":"x"},{"b":null,"a":[1, 2]}])", {"a", "b"}), "1 'x'; *[1, 2] -");
    EXPECT_EQ(rows_of(kJson, R"({"b":"\u00e9\n","a":true})", {"a", "b"}), "true '\xc3\xa9\n'");
    EXPECT_EQ(rows_of(kJson, R"([])", {"a"}), "");
    EXPECT_EQ(rows_of(kJson, "5", {"a"}), "");
}

TEST(BodyRows, OfNamesGivenTwiceTakeTheLast) {
    EXPECT_EQ(rows_of(kJson, R"({"a":1,"\u0061":{"x":2}})", {"a"}), R"(*{"x":2})");
    EXPECT_EQ(rows_of(kJson, R"({"a":"x","a":null})", {"a"}), "-");
    EXPECT_EQ(rows_of("text/csv", "a,b,a\n1,2,NULL\n", {"a", "b"}), "- '2'");
    EXPECT_EQ(rows_of("application/x-www-form-urlencoded", "a=1&a=2", {"a"}), "'2'");
}

TEST(BodyRows, OfColumnsTakesOnlyThoseAndTheirAbsenceIsNull) {
    EXPECT_EQ(rows_of(kJson, R"([{"a":1,"c":2},{"b":3},{}])", {"a", "b"}, {{"a", "b"}}), "1 -; - 3; - -");
}

TEST(BodyRows, OfCsv) {
    EXPECT_EQ(rows_of("text/csv", "b,a\n\"x, \"\"y\"\"\",1\r\nNULL,\"NULL\"\n,\"\"\n\"\"\"\",2,3\n", {"a", "b"}),
              "'1' 'x, \"y\"'; - -; '' ''; '2' '\"'");
}

TEST(BodyRows, LeavesToPostgresqlWhatOnlyItCanRead) {
    const std::vector<std::string> columns{"a"};
    for (const char* body : {"{", "[1", "", "[] []", "5"})
        EXPECT_EQ(rows_of(kJson, body, columns, columns), "unreadable") << body;
    EXPECT_EQ(rows_of(kJson, R"({"a":"\u0000"})", columns), "unreadable");
}

TEST(BodyRows, ShowsARowAsJson) {
    const std::string lines = "a,b\n\"\"\"\",NULL\n";
    const api::Payload csv = payload("text/csv", lines);
    api::BodyRows rows(csv, {});
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.element(), R"({"a":"\"","b":null})");
    const std::string array = "[1]";
    const api::Payload list = payload(kJson, array, {{"a"}});
    api::BodyRows numbers(list, {});
    ASSERT_TRUE(numbers.next());
    EXPECT_FALSE(numbers.is_object());
    EXPECT_EQ(numbers.element(), "1");
}

std::string object_of(std::size_t from, std::size_t count) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i)
        text += (i ? ",\"k" : "\"k") + std::to_string(1000000 + from + i) + "\":1";
    return text + "}";
}

TEST(ObjectKeys, AreTheFirstOfMany) {
    std::string body = "{";
    for (int i = 20000; i > 0; --i)
        body += "\"k" + std::to_string(100000 + i) + "\":1,\"k" + std::to_string(100000 + i) + "\":2,";
    body += "\"k\":3}";
    const auto keys = payload(kJson, body).keys;
    ASSERT_EQ(keys.size(), api::kMostKeys);
    EXPECT_EQ(keys[0], "k");
    EXPECT_EQ(keys[1], "k100001");
    EXPECT_EQ(keys.back(), "k101999");
}

TEST(ObjectKeys, OfManyObjectsMustBeTheSame) {
    EXPECT_EQ(payload(kJson, R"([{"a":1,"b":2},{"b":1,"a":2},{"a":1,"b":2,"a":3}])").keys,
              (std::vector<std::string>{"a", "b"}));
    for (const char* body : {R"([{"a":1},{}])", R"([{},{"a":1}])", R"([{"a":1},{"a":1,"b":2}])",
                             R"([{"a":1,"b":2},{"a":1}])", R"([{"a":1,"b":2},{"a":1,"c":2}])"})
        EXPECT_EQ(code_of([&] { payload(kJson, body); }), "PGRST102") << body;
    EXPECT_EQ(payload(kJson, R"([{"é":1},{"\u00e9":1}])").rows, 2u);
    const std::string many = object_of(0, 3000);
    EXPECT_EQ(payload(kJson, "[" + many + "," + many + "]").rows, 2u);
    EXPECT_EQ(code_of([&] { payload(kJson, "[" + many + "," + object_of(1, 3000) + "]"); }), "PGRST102");
}

}  // namespace
}  // namespace pgrest

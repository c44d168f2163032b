// From errors to answers: statuses, bodies, headers.
#include <gtest/gtest.h>

#include "failure.h"
#include "http/error.h"
#include "http/response_settings.h"

namespace pgrest {
namespace {

int status(const char* sqlstate, const char* message = "m", bool authenticated = true) {
    return http::from_database({sqlstate, message, {}, {}}, authenticated).status;
}

TEST(SqlState, HasItsStatus) {
    const std::pair<const char*, int> table[] = {
        {"08006", 503}, {"09000", 500}, {"0L000", 403}, {"0P000", 403}, {"23503", 409}, {"23505", 409}, {"25006", 405},
        {"25001", 500}, {"2D000", 500}, {"28000", 403}, {"38000", 500}, {"39000", 500}, {"3B000", 500}, {"40001", 500},
        {"53400", 500}, {"53200", 503}, {"54001", 500}, {"55P03", 500}, {"57P01", 503}, {"57014", 500}, {"58000", 500},
        {"F0000", 500}, {"HV000", 500}, {"XX000", 500}, {"P0001", 400}, {"P0002", 500}, {"42883", 404}, {"42P01", 404},
        {"42P17", 500}, {"22P02", 400}, {"23502", 400}, {"23514", 400}, {"42703", 400}, {"0A000", 400}, {"PT402", 402},
        {"PT4X2", 500}, {"21000", 500}, {"22023", 400},
    };
    for (const auto& [sqlstate, expected] : table)
        EXPECT_EQ(status(sqlstate), expected) << sqlstate;
}

TEST(SqlState, MayDependOnTheMessage) {
    EXPECT_EQ(status("21000", "UPDATE requires a WHERE clause"), 400);
    EXPECT_EQ(status("22023", "role \"x\" does not exist"), 401);
    EXPECT_EQ(status("42883", "function xmlagg(json) does not exist"), 406);
    EXPECT_EQ(status("42501", "permission denied", true), 403);
    EXPECT_EQ(status("42501", "permission denied", false), 401);
}

TEST(Answer, IsJsonWithFourMembers) {
    const http::Response answer = http::to_response(http::from_database({"23505", "a \"b\"\n", "d", {}}, true), false);
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.body, R"({"code":"23505","details":"d","hint":null,"message":"a \"b\"\n"})");
    EXPECT_EQ(http::find_header(answer.headers, "Content-Type"), "application/json; charset=utf-8");
    EXPECT_EQ(http::find_header(answer.headers, "Proxy-Status"), "pgrest; error=23505");
    EXPECT_EQ(http::to_response(http::from_database({"23505", "m", "d", "h"}, true), true).body,
              R"({"code":"23505","message":"m"})");
}

TEST(Answer, Of401HasAChallengeAnd503ATimeToRetry) {
    EXPECT_TRUE(http::find_header(http::to_response(http::from_database({"42501", "m", {}, {}}, false), false).headers,
                                  "WWW-Authenticate"));
    EXPECT_FALSE(http::find_header(http::to_response(http::from_database({"42501", "m", {}, {}}, true), false).headers,
                                   "WWW-Authenticate"));
    EXPECT_TRUE(http::find_header(http::to_response(http::own_error("PGRST000", "m"), false).headers, "Retry-After"));
}

TEST(Text, IsCutBetweenCharactersAndMarked) {
    EXPECT_EQ(http::cut("abcdef", 6), "abcdef");
    EXPECT_EQ(http::cut("abcdefg", 6), "abc...");
    EXPECT_EQ(http::cut("ab\u00e9defg", 6), "ab...");
    EXPECT_EQ(http::cut("a\u00e9defgh", 6), "a\u00e9...");
    EXPECT_EQ(http::cut("\U0001F600xyzw", 6), "...");
    EXPECT_EQ(http::cut("\U0001F600xyzw", 7), "\U0001F600...");
    EXPECT_EQ(http::cut(std::string(3000, '\x80')).size(), 2045u);  // no text, but it must not take long
    EXPECT_EQ(http::cut("", 6), "");
}

TEST(Text, OfEveryErrorIsBounded) {
    const std::string longer(1000000, 'x');
    const std::string cut = std::string(2045, 'x') + "...";
    for (const http::Error& error :
         {http::own_error("PGRST204", longer, longer, longer), http::own_error("PGRST301", longer, longer, longer),
          http::from_database({"22P02", longer, longer, longer}, true),
          http::from_database({"PT418", longer, longer, longer}, true)}) {
        EXPECT_EQ(error.message, cut);
        EXPECT_EQ(error.details, cut);
        EXPECT_EQ(error.hint, cut);
        EXPECT_LE(error.reason.size(), 2048u);
        for (const http::Header& header : error.headers)
            EXPECT_LE(header.value.size(), 2200u);
    }
    EXPECT_EQ(http::from_database({"22P02", "m", {}, {}}, true).details, std::nullopt);
    EXPECT_LE(http::from_database({"PGRST", longer, {}, {}}, true).details->size(), 2048u);
}

http::Error raised(const char* message, std::optional<std::string> detail) {
    return http::from_database({"PGRST", message, std::move(detail), {}}, true);
}

TEST(Raise, HasFullControl) {
    const http::Error error = raised(R"({"code":"HB-7","message":"Fee due","hint":"pay"})",
                                     R"({"status":402,"headers":{"X-Fee":"12"},"status_text":"Fee Due"})");
    EXPECT_EQ(error.status, 402);
    EXPECT_EQ(error.code, "HB-7");
    EXPECT_EQ(error.reason, "Fee Due");
    EXPECT_EQ(http::find_header(error.headers, "X-Fee"), "12");
    EXPECT_EQ(raised(R"({"code":"a","message":"b"})", R"({"status":400.0,"headers":{}})").status, 400);
    EXPECT_EQ(raised(R"({"code":"a","message":"b"})", R"({"status":200,"headers":{}})").status, 200);
}

TEST(Raise, ThatDoesNotFitIsSaidSo) {
    const std::pair<const char*, const char*> wrong[] = {
        {"no json", R"({"status":402,"headers":{}})"},
        {R"({"code":"a"})", R"({"status":402,"headers":{}})"},
        {R"({"code":1,"message":"b"})", R"({"status":402,"headers":{}})"},
        {R"({"code":"a","message":"b"})", "no json"},
        {R"({"code":"a","message":"b"})", R"({"status":402})"},
        {R"({"code":"a","message":"b"})", R"({"status":"402","headers":{}})"},
        {R"({"code":"a","message":"b"})", R"({"status":402.5,"headers":{}})"},
        {R"({"code":"a","message":"b"})", R"({"status":402,"headers":{"X":1}})"},
    };
    for (const auto& [message, detail] : wrong) {
        EXPECT_EQ(raised(message, detail).code, "PGRST121") << message << detail;
        EXPECT_EQ(raised(message, detail).status, 500);
    }
    EXPECT_EQ(raised(R"({"code":"a","message":"b"})", {}).code, "PGRST121");
}

TEST(ResponseSettings, StatusIsItsLeadingDigits) {
    EXPECT_EQ(http::parse_response_status("202"), 202);
    EXPECT_EQ(code_of([] { http::parse_response_status("many"); }), "PGRST112");
    EXPECT_EQ(code_of([] { http::parse_response_status(""); }), "PGRST112");
}

TEST(ResponseSettings, HeadersAreAnArrayOfPairs) {
    const http::Headers headers = http::parse_response_headers(R"([{"X-A":"1"},{"X-A":"2"},{"Content-Type":"a/b"}])");
    ASSERT_EQ(headers.size(), 3u);
    http::Headers all = {{"Content-Type", "c/d"}, {"Vary", "x"}};
    http::replace_headers(all, headers);
    EXPECT_EQ(all.size(), 4u);
    EXPECT_EQ(http::find_header(all, "content-type"), "a/b");
    for (const char* text : {"", "{}", "[1]", R"([{"a":"1","b":"2"}])", R"([{"a":1}])", "["})
        EXPECT_EQ(code_of([&] { http::parse_response_headers(text); }), "PGRST111") << text;
}

}  // namespace
}  // namespace pgrest

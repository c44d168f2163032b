// What the listener settles without a database: preflights, tokens, paths, profiles, methods; cookies and claims as
// text.
#include <gtest/gtest.h>

#include "failure.h"
#include "http/admission.h"
#include "http/claim_settings.h"
#include "http/cors.h"

namespace pgrest {
namespace {

std::shared_ptr<const config::Config> configured(config::Settings settings = {}) {
    settings.emplace("db_anon_role", "anon");
    settings.emplace("db_schemas", "api,other");
    return config::build(settings, 1).config;
}

http::Request request(const char* method, const char* path, http::Headers headers = {}, const char* query = "") {
    return {method, path, query, std::move(headers), ""};
}

http::Admitted admit(const http::Request& asked, config::Settings settings = {}) {
    auth::TokenCache cache;
    const auto config = configured(std::move(settings));
    return std::get<http::Admitted>(http::admit(asked, *config, cache, 0));
}

std::string refused(const http::Request& asked) {
    return code_of([&] { admit(asked); });
}

TEST(Admission, ChoosesTheSchema) {
    EXPECT_EQ(admit(request("GET", "/t")).schema, "api");
    EXPECT_EQ(admit(request("GET", "/t", {{"Accept-Profile", "other"}})).schema, "other");
    EXPECT_EQ(admit(request("POST", "/t", {{"Content-Profile", "other"}})).schema, "other");
    EXPECT_EQ(admit(request("GET", "/t", {{"Content-Profile", "other"}})).schema, "api");
    EXPECT_EQ(refused(request("GET", "/t", {{"Accept-Profile", "public"}})), "PGRST106");
}

TEST(Admission, RefusesInItsOrder) {
    EXPECT_EQ(refused(request("GET", "/a/b")), "PGRST125");
    EXPECT_EQ(refused(request("BREW", "/t")), "PGRST117");
    EXPECT_EQ(refused(request("PATCH", "/rpc/f")), "PGRST101");
    EXPECT_EQ(refused(request("GET", "/t", {}, "id=5")), "PGRST100");
    EXPECT_EQ(refused(request("GET", "/t", {}, "limit=-1")), "PGRST103");
    EXPECT_EQ(refused(request("BREW", "/a/b", {{"Authorization", "Bearer x"}})), "PGRST300");
}

TEST(Admission, CountsEmbedsAndFilters) {
    const config::Settings few{{"max_embeds", "2"}, {"max_filters", "3"}};
    const auto code = [&](const char* query) { return code_of([&] { admit(request("GET", "/t", {}, query), few); }); };
    EXPECT_EQ(code("select=a(id),b(id)"), "");
    EXPECT_EQ(code("select=a(b(id))"), "");
    EXPECT_EQ(code("select=a(b(...c(id)))"), "PGRST100");
    EXPECT_EQ(code("select=a(),b(),c()"), "PGRST100");
    EXPECT_EQ(code("x=eq.1&y=eq.2&z=eq.3&order=x&limit=1"), "");
    EXPECT_EQ(code("x=eq.1&or=(y.eq.2,not.and(z.eq.3))"), "");
    EXPECT_EQ(code("x=eq.1&or=(y.eq.2,not.and(z.eq.3,z.eq.4))"), "PGRST100");
    EXPECT_EQ(code("or=(x.eq.1,x.eq.2)&a.or=(y.eq.1,y.eq.2)&select=a()"), "PGRST100");
}

TEST(Cors, AnswersPreflights) {
    const auto config = configured();
    const http::Request preflight = request("OPTIONS", "/t",
                                            {{"Origin", "http://a.example"},
                                             {"Access-Control-Request-Method", "POST"},
                                             {"Access-Control-Request-Headers", "X-A, X-B"}});
    const auto answer = http::answer_preflight(preflight, *config);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(http::find_header(answer->headers, "Access-Control-Allow-Origin"), "*");
    EXPECT_TRUE(http::find_header(answer->headers, "Access-Control-Allow-Methods"));
    EXPECT_FALSE(http::answer_preflight(request("OPTIONS", "/t"), *config));
    EXPECT_FALSE(http::answer_preflight(request("GET", "/t", {{"Origin", "http://a.example"}}), *config));
}

TEST(Cors, NamesAllowedOriginsOnly) {
    const auto config = configured({{"server_cors_allowed_origins", "http://a.example"}});
    http::Headers headers;
    http::add_cors_headers(request("GET", "/t", {{"Origin", "http://a.example"}}), *config, headers);
    EXPECT_EQ(http::find_header(headers, "Access-Control-Allow-Origin"), "http://a.example");
    headers.clear();
    http::add_cors_headers(request("GET", "/t", {{"Origin", "http://b.example"}}), *config, headers);
    EXPECT_FALSE(http::find_header(headers, "Access-Control-Allow-Origin"));
}

TEST(RequestSettings, HeadersAndCookiesAreJson) {
    EXPECT_EQ(http::headers_as_json({{"X-A", "1"}, {"Accept", "b\"c"}}), R"({"x-a":"1","accept":"b\"c"})");
    EXPECT_EQ(http::cookies_as_json({{"Cookie", "a=1; b=x=y"}}), R"({"a":"1","b":"x=y"})");
    EXPECT_EQ(http::cookies_as_json({}), "{}");
}

TEST(ClaimSettings, AreOneForEachClaim) {
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(http::claim_settings(R"({"role":"clerk","a":{"b": [1]},"z":null,"n":12345678901234567890})"),
              (Pairs{{"request.jwt.claim.a", R"({"b":[1]})"},
                     {"request.jwt.claim.n", "12345678901234567890"},
                     {"request.jwt.claim.role", "clerk"}}));
    EXPECT_TRUE(http::claim_settings(R"({"a b":"x","http://x/y":"z","":"e"})").empty());
}

}  // namespace
}  // namespace pgrest

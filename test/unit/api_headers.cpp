// Prefer, Accept, Content-Type, and bodies.
#include <gtest/gtest.h>

#include "api/parse.h"
#include "failure.h"

namespace pgrest {
namespace {

api::Preferences prefer(std::vector<std::string> values) {
    http::Headers headers;
    for (auto& value : values)
        headers.push_back({"prefer", std::move(value)});
    return api::parse_preferences(headers);
}

TEST(Prefer, ReadsEveryPreference) {
    const api::Preferences all =
        prefer({"return=representation, count=exact;x, resolution=merge-duplicates , missing=default,tx=rollback, "
                "handling=strict",
                "timezone=Europe/Berlin, max-affected=5, respond-async"});
    EXPECT_EQ(all.representation, api::ReturnPreference::Representation);
    EXPECT_EQ(all.resolution, api::Resolution::MergeDuplicates);
    EXPECT_EQ(all.missing, api::Missing::Default);
    EXPECT_EQ(all.tx, api::TxPreference::Rollback);
    EXPECT_EQ(all.handling, api::Handling::Strict);
    EXPECT_EQ(all.timezone, "Europe/Berlin");
    EXPECT_EQ(all.max_affected, 5);
}

TEST(Prefer, FirstOfAKindCounts) {
    EXPECT_EQ(prefer({"count=planned, count=exact"}).count, api::CountPreference::Planned);
    EXPECT_EQ(prefer({"return=minimal", "return=representation"}).representation, api::ReturnPreference::Minimal);
}

TEST(Prefer, RemembersWhatItDoesNotKnow) {
    const api::Preferences odd = prefer({"count=many, return=nothing, foo=bar"});
    EXPECT_FALSE(odd.count);
    EXPECT_FALSE(odd.representation);
    EXPECT_EQ(odd.unknown.size(), 3u);
    EXPECT_FALSE(prefer({"max-affected=many"}).max_affected);
}

std::vector<api::MediaType> accept(const char* value) {
    return api::parse_accept({{"Accept", value}});
}

TEST(Accept, WithoutHeaderAnything) {
    const auto types = api::parse_accept({});
    ASSERT_EQ(types.size(), 1u);
    EXPECT_EQ(types[0].kind, api::MediaKind::Any);
}

TEST(Accept, KnowsTheTypes) {
    const std::pair<const char*, api::MediaKind> known[] = {
        {"application/json", api::MediaKind::Json},
        {"text/csv", api::MediaKind::Csv},
        {"text/plain", api::MediaKind::Text},
        {"text/xml", api::MediaKind::Xml},
        {"application/octet-stream", api::MediaKind::Binary},
        {"application/geo+json", api::MediaKind::GeoJson},
        {"application/openapi+json", api::MediaKind::OpenApi},
        {"application/vnd.pgrst.object+json", api::MediaKind::Object},
        {"application/vnd.pgrst.object", api::MediaKind::Object},
        {"application/vnd.pgrst.object+json;nulls=stripped", api::MediaKind::StrippedObject},
        {"application/vnd.pgrst.array+json;nulls=stripped", api::MediaKind::StrippedArray},
        {"application/vnd.pgrst.plan+json", api::MediaKind::Plan},
        {"*/*", api::MediaKind::Any},
        {"image/png", api::MediaKind::Other},
    };
    for (const auto& [text, kind] : known) {
        const auto types = accept(text);
        ASSERT_EQ(types.size(), 1u) << text;
        EXPECT_EQ(types[0].kind, kind) << text;
    }
}

TEST(Accept, OrdersByQuality) {
    const auto types = accept("text/csv;q=0.5, application/json;q=0.9, image/png");
    ASSERT_EQ(types.size(), 3u);
    EXPECT_EQ(types[0].kind, api::MediaKind::Other);
    EXPECT_EQ(types[1].kind, api::MediaKind::Json);
    EXPECT_EQ(types[2].kind, api::MediaKind::Csv);
}

TEST(Accept, ReadsOptionsOfPlans) {
    const auto types = accept("application/vnd.pgrst.plan+text; for=\"text/csv\"; options=analyze|verbose");
    ASSERT_EQ(types.size(), 1u);
    EXPECT_EQ(types[0].plan_for, "text/csv");
    EXPECT_EQ(types[0].plan_options, (std::vector<std::string>{"analyze", "verbose"}));
    EXPECT_FALSE(types[0].plan_json);
}

api::Payload payload(const char* type, const std::string& body, bool function = false) {
    return api::parse_payload({{"Content-Type", type}}, body, {}, function);
}

TEST(Payload, OfJson) {
    const api::Payload object = payload("application/json", R"({"b":1,"a":null})");
    EXPECT_EQ(object.form, api::Payload::Form::Object);
    EXPECT_EQ(object.keys, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(object.rows, 1u);
    const api::Payload array = payload("application/json; charset=utf-8", R"([{"a":1},{"a":2}])");
    EXPECT_EQ(array.form, api::Payload::Form::Array);
    EXPECT_EQ(array.rows, 2u);
}

TEST(Payload, OfJsonThatIsBrokenOrUneven) {
    for (const char* body : {"{", "", "[{\"a\":1},{\"b\":2}]", "{\"a\":\"\xff\"}"})
        EXPECT_EQ(code_of([&] { payload("application/json", body); }), "PGRST102") << body;
}

TEST(Payload, OfCsv) {
    const api::Payload rows = payload("text/csv", "a,b\n1,\"x, \"\"y\"\"\"\n2,NULL\n");
    EXPECT_EQ(rows.keys, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(rows.rows, 2u);
    EXPECT_EQ(code_of([] { payload("text/csv", "a,b\n1\n"); }), "PGRST102");
}

TEST(Payload, OfCsvWithoutRowsKeepsTheNamesOfItsHeader) {
    for (const char* body : {"b,a\n", "b,a\r\n", "b,a\r", "\xEF\xBB\xBF\"b\",a\n\n"}) {
        const api::Payload none = payload("text/csv", body);
        EXPECT_EQ(none.names_without_rows, (std::vector<std::string>{"a", "b"})) << body;
        EXPECT_TRUE(none.keys.empty()) << body;
        EXPECT_EQ(none.rows, 0u) << body;
    }
    EXPECT_TRUE(payload("text/csv", "\n").names_without_rows.empty());
    EXPECT_TRUE(payload("text/csv", "a\n1").names_without_rows.empty());
}

TEST(Payload, OfCsvWithoutAnyLineEndIsRefused) {
    for (const char* body : {"a", "a,b", "\"a\"", "a,", "\n\na,b", "\xEF\xBB\xBF",
                             "\xEF\xBB\xBF"
                             "a"})
        EXPECT_EQ(code_of([&] { payload("text/csv", body); }), "PGRST102") << body;
}

TEST(Payload, OfCsvMayBeginWithAByteOrderMark) {
    EXPECT_EQ(payload("text/csv",
                      "\xEF\xBB\xBF"
                      "a,b\n1,2")
                  .keys,
              (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(payload("text/csv", "\xEF\xBB\xBF\"a\",b\n1,2").keys, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(payload("text/csv",
                      "a\n\xEF\xBB\xBF"
                      "1",
                      true)
                  .document(),
              "{\"a\":\"\xEF\xBB\xBF"
              "1\"}");
}

TEST(Payload, OfCsvHasAsManyFieldsAsAnythingCanHave) {
    const std::string fields = std::string(9999, ',');
    EXPECT_EQ(payload("text/csv", "a\n1" + fields + "\n").rows, 1u);
    EXPECT_EQ(code_of([&] { payload("text/csv", "a\n1," + fields + "\n"); }), "PGRST102");
    EXPECT_EQ(code_of([&] { payload("text/csv", "a," + fields + "\n"); }), "PGRST102");
}

TEST(Payload, OfFormsHasAsManyFieldsAsAQuery) {
    std::string form = "a=1";
    for (int i = 1; i < 10000; ++i)
        form += "&a";
    EXPECT_EQ(payload("application/x-www-form-urlencoded", form, true).keys, (std::vector<std::string>{"a"}));
    EXPECT_EQ(code_of([&] { payload("application/x-www-form-urlencoded", form + "&a", true); }), "PGRST102");
}

TEST(Payload, OfForms) {
    const api::Payload form = payload("application/x-www-form-urlencoded", "a=1+2&b=%C3%A9&a=3");
    EXPECT_EQ(form.keys, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(form.fields.size(), 3u);
}

TEST(Payload, OfOtherTypesIsRefused) {
    EXPECT_EQ(code_of([] { payload("image/png", "x"); }), "PGRST102");
    EXPECT_TRUE(payload("text/plain", "x", true).raw);
    EXPECT_EQ(code_of([] { payload("text/plain", "x"); }), "PGRST102");
}

TEST(Similarity, FindsWhatWasMeant) {
    EXPECT_EQ(api::most_similar("poeple", {"people", "places"}, 0.5), "people");
    EXPECT_FALSE(api::most_similar("xyz", {"people", "places"}, 0.5));
    EXPECT_EQ(api::most_similar("PEOPLE", {"elpoep", "people", "peopl"}, 0.5), "people");
    EXPECT_EQ(api::most_similar("abc", {"cba", "abd", "ab"}, 0.3), "abd");
    EXPECT_FALSE(api::most_similar("", {"a"}, 0.5));
    EXPECT_EQ(api::similarity("a", "a"), 1.0);
    EXPECT_EQ(api::similarity("a", "b"), 0.0);
}

}  // namespace
}  // namespace pgrest

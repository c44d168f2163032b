// select, order, columns, limits: the other parameters of a query string; paths.
#include <gtest/gtest.h>

#include "api/parse.h"
#include "failure.h"

namespace pgrest {
namespace {

std::vector<api::SelectItem> select(const std::string& text) {
    return api::parse_select(text);
}
const api::SelectColumn& column(const api::SelectItem& item) {
    return std::get<api::SelectColumn>(item.value);
}
const api::SelectEmbed& embed(const api::SelectItem& item) {
    return std::get<api::SelectEmbed>(item.value);
}
std::string refused(const std::string& query) {
    return code_of([&] { api::parse_query(query, api::PairMeaning::Filters); });
}

TEST(Select, HasColumnsWithAliasPathAndCast) {
    const auto items = select("id,full:name,data->a->>b,n::text,x:data->>y::int");
    ASSERT_EQ(items.size(), 5u);
    EXPECT_EQ(column(items[0]).field.name, "id");
    EXPECT_EQ(column(items[1]).alias, "full");
    EXPECT_EQ(column(items[1]).field.name, "name");
    EXPECT_EQ(column(items[2]).field.path.size(), 2u);
    EXPECT_EQ(column(items[3]).cast, "text");
    EXPECT_EQ(column(items[4]).alias, "x");
    EXPECT_EQ(column(items[4]).cast, "int");
}

TEST(Select, HasAggregates) {
    const auto items = select("count(),total:amount.sum()::int,amount::float.avg()");
    ASSERT_EQ(items.size(), 3u);
    EXPECT_EQ(column(items[0]).aggregate, api::Aggregate::Count);
    EXPECT_EQ(column(items[0]).field.name, "");
    EXPECT_EQ(column(items[1]).aggregate, api::Aggregate::Sum);
    EXPECT_EQ(column(items[1]).aggregate_cast, "int");
    EXPECT_EQ(column(items[2]).cast, "float");
    EXPECT_EQ(column(items[2]).aggregate, api::Aggregate::Avg);
}

TEST(Select, HasEmbeds) {
    const auto items = select("*,a:films!fk!inner(id,directors(*)),...roles(),x!left()");
    ASSERT_EQ(items.size(), 4u);
    EXPECT_TRUE(column(items[0]).star);
    EXPECT_EQ(embed(items[1]).alias, "a");
    EXPECT_EQ(embed(items[1]).target, "films");
    EXPECT_EQ(embed(items[1]).hint, "fk");
    EXPECT_EQ(embed(items[1]).join, api::Join::Inner);
    EXPECT_EQ(embed(items[1]).items.size(), 2u);
    EXPECT_TRUE(embed(items[2]).spread);
    EXPECT_EQ(embed(items[3]).join, api::Join::Left);
}

TEST(Select, QuotesNames) {
    const auto items = select("\"a,b\",\"c\\\"d\"");
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(column(items[0]).field.name, "a,b");
    EXPECT_EQ(column(items[1]).field.name, "c\"d");
}

TEST(Select, IsRefusedWhenBroken) {
    for (const char* text : {"select=a,", "select=,a", "select=a(", "select=a)", "select=a((b))",
                             "select=a::", "select=:a", "select=a->", "select=a!", "select=\"a"})
        EXPECT_EQ(refused(text), "PGRST100") << text;
}

TEST(Select, HasALimitOfDepth) {
    std::string deep = "select=";
    for (int i = 0; i < 100'000; ++i)
        deep += "a(";
    EXPECT_EQ(refused(deep), "PGRST100");
}

TEST(Select, HasALimitOfJsonSteps) {
    const auto path = [](int steps) {
        std::string text = "a";
        for (int i = 0; i < steps; ++i)
            text += "->1";
        return text;
    };
    EXPECT_EQ(refused("select=" + path(100)), "");
    EXPECT_EQ(refused("select=" + path(101)), "PGRST100");
    EXPECT_EQ(refused("order=" + path(101)), "PGRST100");
    EXPECT_EQ(refused(path(101) + "=eq.1"), "PGRST100");
    EXPECT_EQ(refused("or=(" + path(101) + ".eq.1)"), "PGRST100");
}

TEST(Order, HasDirectionNullsAndRelations) {
    const auto terms = api::parse_order("a.desc.nullslast,b.asc,c.nullsfirst,films(title).desc,d->>x");
    ASSERT_EQ(terms.size(), 5u);
    EXPECT_EQ(terms[0].direction, api::Direction::Desc);
    EXPECT_EQ(terms[0].nulls, api::Nulls::Last);
    EXPECT_EQ(terms[1].direction, api::Direction::Asc);
    EXPECT_FALSE(terms[2].direction);
    EXPECT_EQ(terms[2].nulls, api::Nulls::First);
    EXPECT_EQ(terms[3].relation, "films");
    EXPECT_EQ(terms[3].field.name, "title");
    EXPECT_EQ(terms[4].field.path.size(), 1u);
}

TEST(Order, IsRefusedWhenBroken) {
    for (const char* text : {"order=a.down", "order=a,", "order=a.asc.asc", "order=a.nullslast.desc", "order=(a)"})
        EXPECT_EQ(refused(text), "PGRST100") << text;
}

TEST(QueryString, SortsParametersOut) {
    const api::Query query =
        api::parse_query("select=id&order=id&limit=5&offset=2&a.limit=3&a.order=x&columns=b,a&on_conflict=k&id=eq.1",
                         api::PairMeaning::Filters);
    EXPECT_TRUE(query.select_given);
    EXPECT_EQ(query.root_range.limit, "5");
    EXPECT_EQ(query.root_range.offset, "2");
    ASSERT_EQ(query.embed_ranges.size(), 1u);
    EXPECT_EQ(query.embed_ranges[0].path, api::EmbedPath{"a"});
    EXPECT_EQ(query.orders.size(), 2u);
    EXPECT_EQ(query.columns->size(), 2u);
    EXPECT_EQ(query.on_conflict, std::vector<std::string>{"k"});
    EXPECT_EQ(query.filters.size(), 1u);
}

TEST(QueryString, WithoutSelectTakesEverything) {
    const api::Query query = api::parse_query("", api::PairMeaning::Filters);
    ASSERT_EQ(query.select.size(), 1u);
    EXPECT_TRUE(column(query.select[0]).star);
    EXPECT_FALSE(query.select_given);
    EXPECT_EQ(query.canonical, "");
}

TEST(Path, NamesARelationAFunctionOrTheRoot) {
    EXPECT_EQ(api::parse_path("/").kind, api::ResourceKind::Root);
    EXPECT_EQ(api::parse_path("/people").kind, api::ResourceKind::Relation);
    EXPECT_EQ(api::parse_path("/people").name, "people");
    EXPECT_EQ(api::parse_path("/rpc/login").kind, api::ResourceKind::Function);
    EXPECT_EQ(api::parse_path("/rpc/login").name, "login");
    EXPECT_EQ(api::parse_path("/na%20me").name, "na me");
}

TEST(Path, IsRefusedWithMoreParts) {
    for (const char* path : {"/a/b", "/rpc/a/b", "/a/b/c"})
        EXPECT_EQ(code_of([&] { api::parse_path(path); }), "PGRST125") << path;
}

TEST(Percent, RoundTrip) {
    EXPECT_EQ(api::percent_decode("a%20b+c%C3%A9", true), "a b cé");
    EXPECT_EQ(api::percent_decode("a+b%zz%4", false), "a+b%zz%4");
    EXPECT_EQ(api::percent_encode("a b/é~"), "a%20b%2F%C3%A9~");
}

api::Window window(std::optional<std::string> limit, std::optional<std::string> offset, const char* range = nullptr,
                   bool use_range = true) {
    api::LimitOffset given;
    given.limit_given = limit.has_value();
    given.limit = std::move(limit);
    given.offset = std::move(offset);
    http::Headers headers;
    if (range) headers.push_back({"Range", range});
    return api::root_window(given, headers, use_range);
}

TEST(Window, CombinesLimitOffsetAndRange) {
    EXPECT_EQ(window("5", "2").offset, 2);
    EXPECT_EQ(window("5", "2").limit, 5);
    EXPECT_FALSE(window({}, {}).limit);
    EXPECT_EQ(window({}, {}, "3-4").offset, 3);
    EXPECT_EQ(window({}, {}, "3-4").limit, 2);
    EXPECT_EQ(window({}, {}, "3-").offset, 3);
    EXPECT_FALSE(window({}, {}, "3-").limit);
    EXPECT_EQ(window("3", {}, "1-9").offset, 1);
    EXPECT_EQ(window("3", {}, "1-9").limit, 2);
    EXPECT_EQ(window({}, {}, "3-4", false).offset, 0);
}

TEST(Window, IgnoresRangesOfOtherForms) {
    for (const char* range : {"bytes=0-4", "-5", "a-b", "", "1-2,3-4", "1 - 2"})
        EXPECT_EQ(window({}, {}, range).offset, 0) << range;
}

TEST(Window, OutOfBoundsIsRefused) {
    EXPECT_EQ(code_of([] { window("-1", {}); }), "PGRST103");
    EXPECT_EQ(code_of([] { window("0", "1"); }), "PGRST103");
    EXPECT_EQ(code_of([] { window({}, {}, "5-4"); }), "PGRST103");
    EXPECT_EQ(code_of([] { window("2", {}, "5-9"); }), "PGRST103");
    EXPECT_EQ(code_of([] { window("3", "-4"); }), "PGRST103");
    EXPECT_EQ(window("4", "-2").limit, 2);
    EXPECT_EQ(window("0", {}).limit, 0);
}

}  // namespace
}  // namespace pgrest

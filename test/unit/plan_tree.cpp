// Queries planned against tables in memory: the SQL that comes of them, and the errors of the planner.
#include <gtest/gtest.h>

#include "api/parse.h"
#include "fake_catalog.h"
#include "http/error.h"
#include "plan/level_planner.h"
#include "sql/level.h"

namespace pgrest {
namespace {

class PlanTree : public ::testing::Test {
protected:
    PlanTree() {
        catalog_.add_relation("people", {"id", "name", "data", "boss_id"}).columns[2].is_json = true;
        catalog_.add_relation("places", {"id", "name"});
        catalog_.add_relation("visits", {"id", "person_id", "place_id", "day"});
        catalog_.add_foreign_key("visits", "person_id", "people", "visits_person_id_fkey");
        catalog_.add_foreign_key("visits", "place_id", "places", "visits_place_id_fkey");
        catalog_.add_foreign_key("people", "boss_id", "people", "people_boss_id_fkey");
    }

    plan::Tree plan(const std::string& table, const std::string& query) {
        return plan::plan_tree(catalog_, {catalog_.relation("api", table), "api", table, plan::Source::Relation, {}},
                               api::parse_query(query, api::PairMeaning::Filters), rules_);
    }

    std::string sql(const std::string& table, const std::string& query) {
        const plan::Tree tree = plan(table, query);
        sql::Text text;
        sql::add_select(text, tree.root, {});
        values_.clear();
        for (const auto& value : text.values())
            values_.push_back(value ? std::string(*value) : "NULL");
        return text.text();
    }

    std::string count(const std::string& table, const std::string& query) {
        const plan::Tree tree = plan(table, query);
        sql::Text text;
        sql::add_count(text, tree.root);
        return text.text();
    }

    std::string code(const std::string& table, const std::string& query) {
        try {
            plan(table, query);
        } catch (const http::Failure& failure) {
            return failure.error().code;
        }
        return "none";
    }

    test::FakeCatalog catalog_;
    plan::LevelRules rules_;
    std::vector<std::string> values_;
};

TEST_F(PlanTree, SelectsEverythingByDefault) {
    EXPECT_EQ(sql("people", ""), R"(SELECT "api"."people".* FROM "api"."people")");
}

TEST_F(PlanTree, ValuesAreParameters) {
    EXPECT_EQ(sql("people", "select=id,n:name&name=eq.O'Hara&id=not.in.(1,2)"),
              R"(SELECT "api"."people"."id", "api"."people"."name" AS "n" FROM "api"."people")"
              R"( WHERE "api"."people"."name" = $1 AND NOT "api"."people"."id" = ANY ($2))");
    EXPECT_EQ(values_, (std::vector<std::string>{"O'Hara", R"({"1","2"})"}));
}

TEST_F(PlanTree, QuotesInNamesAreDoubled) {
    EXPECT_EQ(sql("people", "select=%22a%5C%22b%22"), R"(SELECT "api"."people"."a""b" FROM "api"."people")");
}

TEST_F(PlanTree, JsonPathsUseJsonColumnsBareAndOthersThroughJsonb) {
    EXPECT_EQ(
        sql("people", "select=data->a->>0,name->x"),
        R"(SELECT "api"."people"."data"->$1->>$2::int AS "a", pg_catalog.to_jsonb("api"."people"."name")->$3 AS "x")"
        R"( FROM "api"."people")");
}

TEST_F(PlanTree, TreesKeepTheirBrackets) {
    EXPECT_EQ(sql("people", "or=(id.eq.1,not.and(id.gt.2,name.is.null))&select=id"),
              R"(SELECT "api"."people"."id" FROM "api"."people" WHERE ("api"."people"."id" = $1 OR NOT)"
              R"( ("api"."people"."id" > $2 AND "api"."people"."name" IS NULL)))");
}

TEST_F(PlanTree, OrderWindowAndDirections) {
    plan::Tree tree = plan("people", "select=id&order=name.desc.nullslast,id");
    tree.root.limit = "5";
    tree.root.offset = "10";
    sql::Text text;
    sql::add_select(text, tree.root, {});
    EXPECT_EQ(text.text(), R"(SELECT "api"."people"."id" FROM "api"."people" ORDER BY "api"."people"."name" DESC)"
                           R"( NULLS LAST, "api"."people"."id" LIMIT $1 OFFSET $2)");
}

TEST_F(PlanTree, ToOneEmbedIsAnObject) {
    EXPECT_EQ(
        sql("visits", "select=day,people(name)"),
        R"(SELECT "api"."visits"."day", pg_catalog.row_to_json("visits_people_1".*)::pg_catalog.jsonb AS "people" FROM "api"."visits")"
        R"( LEFT JOIN LATERAL (SELECT "people_1"."name" FROM "api"."people" AS "people_1" WHERE "people_1"."id")"
        R"( = "api"."visits"."person_id") AS "visits_people_1" ON TRUE)");
}

TEST_F(PlanTree, ToManyEmbedIsAnArrayWithItsOwnFilterAndOrder) {
    EXPECT_EQ(
        sql("people", "select=name,v:visits(day)&v.day=gt.2020&v.order=day&v.limit=2"),
        R"(SELECT "api"."people"."name", COALESCE("people_v_1"."people_v_1", '[]') AS "v" FROM "api"."people")"
        R"( LEFT JOIN LATERAL (SELECT pg_catalog.json_agg("people_v_1".*)::pg_catalog.jsonb AS "people_v_1" FROM (SELECT "visits_1"."day")"
        R"( FROM "api"."visits" AS "visits_1" WHERE "visits_1"."person_id" = "api"."people"."id")"
        R"( AND "visits_1"."day" > $1 ORDER BY "visits_1"."day" LIMIT $2) AS "people_v_1") AS "people_v_1" ON TRUE)");
}

TEST_F(PlanTree, InnerEmbedsAndNullTestsReachTheCount) {
    EXPECT_EQ(
        count("people", "select=name,visits!inner(day)&visits.day=eq.1"),
        R"(SELECT pg_catalog.count(*) FROM (SELECT 1 FROM "api"."people" WHERE EXISTS (SELECT 1 FROM "api"."visits" AS)"
        R"( "visits_1" WHERE "visits_1"."person_id" = "api"."people"."id" AND "visits_1"."day" = $1)))"
        R"( AS pgrst_counted)");
    EXPECT_NE(count("people", "select=name,visits()&visits=is.null").find("WHERE NOT EXISTS"), std::string::npos);
}

TEST_F(PlanTree, EmbedsNestAndSelfReferencesGoBothWays) {
    EXPECT_NE(sql("people", "select=name,visits(day,places(name))").find("visits_places_2"), std::string::npos);
    EXPECT_NE(sql("people", "select=boss_id(name)").find("row_to_json"), std::string::npos);
    EXPECT_NE(sql("people", "select=people(name)").find("json_agg"), std::string::npos);
}

TEST_F(PlanTree, SpreadsLiftColumns) {
    EXPECT_EQ(
        sql("visits", "select=day,...people(person:name)"),
        R"(SELECT "api"."visits"."day", "visits_people_1"."person" AS "person" FROM "api"."visits" LEFT JOIN)"
        R"( LATERAL (SELECT "people_1"."name" AS "person" FROM "api"."people" AS "people_1" WHERE "people_1"."id")"
        R"( = "api"."visits"."person_id") AS "visits_people_1" ON TRUE)");
}

TEST_F(PlanTree, AggregatesGroupByTheRest) {
    EXPECT_EQ(code("visits", "select=day,id.sum()"), "PGRST123");
    rules_.aggregates_enabled = true;
    EXPECT_EQ(
        sql("visits", "select=day,id.sum(),n:count()"),
        R"(SELECT "api"."visits"."day", SUM("api"."visits"."id") AS "sum", pg_catalog.count(*) AS "n" FROM "api"."visits")"
        R"( GROUP BY 1)");
    EXPECT_EQ(code("people", "select=name,...visits(id.sum())"), "PGRST127");
}

TEST_F(PlanTree, StarsBesideLiftedAggregatesAreGroupedBy) {
    rules_.aggregates_enabled = true;
    const std::string root = sql("visits", "select=*,...people(id.sum())");
    EXPECT_EQ(root.find("SELECT \"api\".\"visits\".\"id\", "), 0U);
    EXPECT_NE(root.find("GROUP BY 1, 2, 3, 4"), std::string::npos);
    const std::string nested = sql("people", "select=name,count(),visits(*,...places(id.max()))");
    EXPECT_NE(nested.find("SELECT \"visits_1\".\"id\", "), std::string::npos);
}

TEST_F(PlanTree, OrderAndGroupsOfPathsAreTheSameExpressions) {
    rules_.aggregates_enabled = true;
    EXPECT_EQ(sql("people", "select=data->>a,n:count()&order=data->>a,data->>b"),
              R"(SELECT "api"."people"."data"->>$1 AS "a", pg_catalog.count(*) AS "n" FROM "api"."people" GROUP BY 1)"
              R"( ORDER BY "api"."people"."data"->>$1, "api"."people"."data"->>$2)");
    // an index is an integer, a key a text
    EXPECT_EQ(
        sql("people", "select=data->1,data->b,count()&order=data->1->>x"),
        R"(SELECT "api"."people"."data"->$1::int AS "data", "api"."people"."data"->$2 AS "b", pg_catalog.count(*))"
        R"( AS "count" FROM "api"."people" GROUP BY 1, 2 ORDER BY "api"."people"."data"->$1::int->>$3)");
    // the value that is grouped by is the one that is cast
    EXPECT_EQ(sql("people", "select=count(),data->>a::int&order=data->>a.desc"),
              R"(SELECT pg_catalog.count(*) AS "count", CAST("api"."people"."data"->>$1 AS int) AS "a" FROM)"
              R"( "api"."people" GROUP BY 2 ORDER BY 2 DESC)");
    EXPECT_NE(
        sql("people", "select=name::text,count()&order=name").find(R"(GROUP BY "api"."people"."name" ORDER BY "api")"),
        std::string::npos);
    EXPECT_NE(sql("people", "select=x:name::text,name,count()&order=name").find(R"(ORDER BY "api"."people"."name")"),
              std::string::npos);
}

TEST_F(PlanTree, AnAliasThatIsAColumnGroupsByItsOwnValue) {
    rules_.aggregates_enabled = true;
    EXPECT_EQ(
        sql("people", "select=name:boss_id,count()"),
        R"(SELECT "api"."people"."boss_id" AS "name", pg_catalog.count(*) AS "count" FROM "api"."people" GROUP BY 1)");
}

TEST_F(PlanTree, GroupsAreCountedAsRows) {
    rules_.aggregates_enabled = true;
    EXPECT_EQ(count("people", "select=name,count()&order=name&id=gt.1"),
              R"(SELECT pg_catalog.count(*) FROM (SELECT "api"."people"."name", pg_catalog.count(*) AS "count" FROM)"
              R"( "api"."people" WHERE "api"."people"."id" > $1 GROUP BY 1) AS pgrst_counted)");
    EXPECT_NE(count("visits", "select=...people(id.sum())").find("SUM("), std::string::npos);
}

std::string repeated(const std::string& item, int times) {
    std::string list = item;
    for (int i = 1; i < times; ++i)
        list += "," + item;
    return list;
}

TEST_F(PlanTree, RowsHaveAsManyColumnsAsPostgreSqlTakes) {
    rules_.aggregates_enabled = true;
    EXPECT_EQ(code("people", "select=" + repeated("id", 1664)), "none");
    EXPECT_EQ(code("people", "select=" + repeated("id", 1665)), "PGRST100");
    EXPECT_EQ(code("people", "select=" + repeated("*", 416)), "none");
    EXPECT_EQ(code("people", "select=" + repeated("*", 417)), "PGRST100");
    EXPECT_EQ(code("people", "select=count()," + repeated("*", 417)), "PGRST100");
    EXPECT_EQ(code("visits", "select=" + repeated("id", 1600) + ",...people(" + repeated("id", 60) + ")"), "none");
    EXPECT_EQ(code("visits", "select=" + repeated("id", 1600) + ",...people(" + repeated("id", 65) + ")"), "PGRST100");
    // what is lifted is lifted by every level again
    std::string nested = "id";
    for (int i = 0; i < 60; ++i)
        nested = repeated("id", 30) + ",...boss_id(" + nested + ")";
    EXPECT_EQ(code("people", "select=" + nested), "PGRST100");
    const plan::Root unknown{nullptr, "api", "record", plan::Source::Aliased, "f"};
    const auto stars = [&](int times) {
        const api::Query query = api::parse_query("select=" + repeated("*", times), api::PairMeaning::Filters);
        return plan::plan_tree(catalog_, unknown, query, rules_).root.outputs.size();
    };
    EXPECT_EQ(stars(16), 16U);
    EXPECT_THROW(stars(17), http::Failure);
}

TEST_F(PlanTree, ColumnsAreFoundWithAnIndexAndWithout) {
    catalog::Relation wide;
    for (int i = 999; i >= 0; --i) {
        wide.columns.emplace_back();
        wide.columns.back().name = "c" + std::to_string(i);
    }
    for (const bool indexed : {false, true}) {
        if (indexed) wide.index_columns();
        for (int i = 0; i < 1000; ++i)
            ASSERT_EQ(wide.column("c" + std::to_string(i)), &wide.columns[static_cast<std::size_t>(999 - i)]);
        EXPECT_EQ(wide.column("c"), nullptr);
        EXPECT_EQ(wide.column("c1000"), nullptr);
        EXPECT_EQ(wide.column("d"), nullptr);
    }
    catalog::Relation none;
    none.index_columns();
    EXPECT_EQ(none.column("c"), nullptr);
}

TEST_F(PlanTree, ManyEmbedsOfOneRowAreJoinedApart) {
    const auto fences = [](const std::string& text) {
        std::size_t found = 0;
        for (std::size_t at = text.find(" OFFSET 0)"); at != std::string::npos; at = text.find(" OFFSET 0)", at + 1))
            ++found;
        return found;
    };
    // over the same column
    EXPECT_EQ(fences(sql("visits", "select=a:people(id),b:people(id)")), 0U);
    EXPECT_EQ(fences(sql("visits", "select=a:people(id),b:people!inner(id),c:people(id),d:places(id)")), 1U);
    EXPECT_EQ(fences(count("visits", "select=a:people!inner(id),b:people!inner(id),c:people!inner(id)")), 1U);
    EXPECT_EQ(fences(sql("people", "select=a:visits(id),b:visits(id),c:visits(id)")), 0U);
    EXPECT_EQ(fences(sql("visits", "select=a:people(id),b:people(id),c:people(id)&c.offset=1")), 0U);
    // over many
    std::vector<std::string> columns{"id"};
    for (int i = 0; i < 8; ++i)
        columns.push_back("c" + std::to_string(i));
    catalog_.add_relation("hub", columns);
    std::string select = "id";
    for (int i = 0; i < 8; ++i) {
        const std::string name = "end" + std::to_string(i);
        catalog_.add_relation(name, {"id"});
        catalog_.add_foreign_key("hub", "c" + std::to_string(i), name, "hub_" + name);
        select += "," + name + "!inner(id)";
    }
    EXPECT_EQ(fences(sql("hub", "select=" + select)), 2U);
    EXPECT_EQ(fences(count("hub", "select=" + select)), 0U);
}

TEST_F(PlanTree, ErrorsOfNames) {
    EXPECT_EQ(code("people", "select=stars(name)"), "PGRST200");
    EXPECT_EQ(code("people", "stars.name=eq.1"), "PGRST108");
    EXPECT_EQ(code("people", "select=visits(day)&order=visits(day)"), "PGRST118");
    EXPECT_EQ(code("people", "order=visits(day)"), "PGRST108");
    catalog_.add_foreign_key("visits", "guide_id", "people", "visits_guide_id_fkey");
    EXPECT_EQ(code("visits", "select=people(name)"), "PGRST201");
    EXPECT_EQ(code("visits", "select=people!visits_guide_id_fkey(name)"), "none");
    EXPECT_EQ(code("visits", "select=people!guide_id(name)"), "none");
}

TEST_F(PlanTree, TargetNamesBesideAnAliasAreDeprecatedOrRefused) {
    EXPECT_EQ(plan("people", "select=v:visits(day)&visits.day=eq.1").addressed_by_target.size(), 1U);
    rules_.legacy_target_names = false;
    EXPECT_EQ(code("people", "select=v:visits(day)&visits.day=eq.1"), "PGRST108");
}

TEST_F(PlanTree, MaxRowsCapsEveryToManyLevel) {
    rules_.max_rows = 3;
    sql("people", "select=visits(day,places(name))&visits.limit=10");
    EXPECT_EQ(values_, std::vector<std::string>{"3"});
    sql("people", "select=visits(day)&visits.limit=2");
    EXPECT_EQ(values_, std::vector<std::string>{"2"});
}

}  // namespace
}  // namespace pgrest

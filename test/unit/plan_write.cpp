// Writes planned against tables in memory, and their SQL.
#include <gtest/gtest.h>

#include "api/parse.h"
#include "fake_catalog.h"
#include "http/error.h"
#include "plan/level_planner.h"
#include "plan/write.h"
#include "sql/write.h"

namespace pgrest {
namespace {

using plan::WriteKind;

class PlanWrite : public ::testing::Test {
protected:
    PlanWrite() {
        catalog_.add_relation("people", {"id", "name", "age"});
        catalog_.add_relation("log", {"line"}, {});
        catalog_.add_relation("visits", {"id", "person_id", "day"});
        catalog_.add_foreign_key("visits", "person_id", "people", "visitor");
    }

    std::string sql(WriteKind kind, const std::string& table, const std::string& query, std::vector<std::string> keys,
                    api::Payload::Form form = api::Payload::Form::Object) {
        const api::Query parsed = api::parse_query(query, api::PairMeaning::Filters);
        const auto relation = catalog_.relation("api", table);
        plan::LevelRules rules;
        rules.embed_ranges = rules.embed_null_tests = false;
        plan::Tree tree =
            plan::plan_tree(catalog_, {relation, "api", table, plan::Source::Aliased, table}, parsed, rules);
        api::Payload payload;
        payload.form = form;
        payload.keys = std::move(keys);
        const plan::Write write =
            plan::plan_write({kind, parsed, preferences_, payload, require_filter_}, relation, tree.root);
        sql::Text text;
        const bool rows = preferences_.representation == api::ReturnPreference::Representation;
        sql::add_write(text, write, "{}", tree.root, rows ? sql::WriteAnswer::Rows : sql::WriteAnswer::RowCount, {});
        return text.text();
    }

    std::string code(WriteKind kind, const std::string& table, const std::string& query,
                     std::vector<std::string> keys) {
        try {
            sql(kind, table, query, std::move(keys));
        } catch (const http::Failure& failure) {
            return failure.error().code;
        }
        return "none";
    }

    test::FakeCatalog catalog_;
    api::Preferences preferences_;
    bool require_filter_ = false;
};

TEST_F(PlanWrite, InsertTakesTheColumnsOfTheBody) {
    EXPECT_EQ(sql(WriteKind::Insert, "people", "", {"name", "age"}),
              R"(WITH "pgrst_source" AS (INSERT INTO "api"."people"("age", "name") SELECT "pgrst_body"."age",)"
              R"( "pgrst_body"."name" FROM "pgrst_payload" AS "pgrst_body" RETURNING 1))"
              R"( SELECT 1 FROM "pgrst_source")");
}

TEST_F(PlanWrite, AnEmptyObjectIsARowOfDefaults) {
    EXPECT_NE(sql(WriteKind::Insert, "people", "", {}).find("DEFAULT VALUES"), std::string::npos);
}

TEST_F(PlanWrite, ARepresentationReadsWhatTheWriteReturned) {
    preferences_.representation = api::ReturnPreference::Representation;
    EXPECT_EQ(sql(WriteKind::Delete, "people", "select=name&age=gt.3", {}),
              R"(WITH "pgrst_source" AS (DELETE FROM "api"."people" WHERE "api"."people"."age" > $1 RETURNING)"
              R"( "api"."people"."id", "api"."people"."name") SELECT "people"."name" FROM "pgrst_source" AS "people")");
}

TEST_F(PlanWrite, UpdateSetsFromTheBody) {
    EXPECT_EQ(sql(WriteKind::Update, "people", "id=eq.1", {"age"}),
              R"(WITH "pgrst_source" AS (UPDATE "api"."people" SET "age" = "pgrst_body"."age" FROM (SELECT)"
              R"( "pgrst_body".* FROM "pgrst_payload" AS "pgrst_body" LIMIT 1) AS "pgrst_body" WHERE)"
              R"( "api"."people"."id" = $1 RETURNING 1) SELECT 1 FROM "pgrst_source")");
    EXPECT_NE(sql(WriteKind::Update, "people", "id=eq.1", {}).find("WHERE false"), std::string::npos);
}

TEST_F(PlanWrite, FiltersDoNotReachAnInsert) {
    EXPECT_EQ(sql(WriteKind::Insert, "people", "id=eq.1", {"age"}).find("WHERE"), std::string::npos);
}

TEST_F(PlanWrite, UnknownColumnsAreRefused) {
    EXPECT_EQ(code(WriteKind::Insert, "people", "", {"colour"}), "PGRST204");
    EXPECT_EQ(code(WriteKind::Delete, "people", "", {"colour"}), "none");
}

TEST_F(PlanWrite, PutNeedsTheKeyAndNothingElse) {
    EXPECT_EQ(code(WriteKind::Put, "people", "id=eq.1", {"id"}), "none");
    EXPECT_EQ(code(WriteKind::Put, "people", "", {"id"}), "PGRST105");
    EXPECT_EQ(code(WriteKind::Put, "people", "id=gt.1", {"id"}), "PGRST105");
    EXPECT_EQ(code(WriteKind::Put, "people", "id=eq.1&name=eq.x", {"id"}), "PGRST105");
    EXPECT_EQ(code(WriteKind::Put, "people", "id=eq.1&and=(id.eq.1)", {"id"}), "PGRST105");
    EXPECT_EQ(code(WriteKind::Put, "log", "line=eq.1", {"line"}), "PGRST105");
}

TEST_F(PlanWrite, MayNeedAFilterOfTheRows) {
    const auto outcome = [&](WriteKind kind, const char* table, const char* query) {
        require_filter_ = true;
        return code(kind, table, query, {});
    };
    for (const WriteKind kind : {WriteKind::Update, WriteKind::Delete}) {
        for (const char* query :
             {"", "select=id", "limit=1", "id", "order=id", "select=id,visits(day)&visits.day=gt.2020",
              "select=id,visits(day)&visits.or=(day.gt.2020,day.is.null)"})
            EXPECT_EQ(outcome(kind, "people", query), "21000") << query;
        for (const char* query : {"id=eq.1", "id=not.is.null", "or=(id.eq.1,name.eq.x)", "and=(not.or(id.eq.1))"})
            EXPECT_EQ(outcome(kind, "people", query), "none") << query;
        EXPECT_EQ(outcome(kind, "log", ""), "21000");
    }
    EXPECT_EQ(outcome(WriteKind::Insert, "people", ""), "none");
}

TEST_F(PlanWrite, OfATableWithoutColumnsReturnsNoStar) {
    catalog_.add_relation("nothing", {}, {});
    preferences_.representation = api::ReturnPreference::Representation;
    EXPECT_EQ(sql(WriteKind::Insert, "nothing", "", {}),
              R"(WITH "pgrst_source" AS (INSERT INTO "api"."nothing" DEFAULT VALUES RETURNING 1) )"
              R"(SELECT FROM "pgrst_source" AS "nothing")");
}

TEST_F(PlanWrite, MergeUpdatesOnTheKey) {
    preferences_.resolution = api::Resolution::MergeDuplicates;
    const std::string merged = sql(WriteKind::Insert, "people", "", {"id", "name"});
    EXPECT_NE(merged.find(R"(ON CONFLICT ("id") DO UPDATE SET "id" = EXCLUDED."id", "name" = EXCLUDED."name")"),
              std::string::npos);
    EXPECT_EQ(sql(WriteKind::Insert, "log", "", {"line"}).find("ON CONFLICT"), std::string::npos);
    preferences_.resolution = api::Resolution::IgnoreDuplicates;
    EXPECT_NE(sql(WriteKind::Insert, "people", "on_conflict=name", {"id"}).find(R"(ON CONFLICT ("name") DO NOTHING)"),
              std::string::npos);
}

}  // namespace
}  // namespace pgrest

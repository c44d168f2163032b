// Names that statements give to things of their own, beside names of the database that are made to look like them.
#include "plan/inner_names.h"

#include <gtest/gtest.h>

#include "api/parse.h"
#include "fake_catalog.h"
#include "plan/call.h"
#include "plan/level_planner.h"
#include "plan/write.h"
#include "sql/call.h"
#include "sql/level.h"
#include "sql/write.h"

namespace pgrest {
namespace {

const std::string kLong(63, 'n');

TEST(InnerNames, AreTheWantedOnesWhereTheyCanBe) {
    plan::InnerNames names;
    EXPECT_EQ(names.table("a_1", {"b"}), "a_1");
    EXPECT_EQ(names.table("a_1", {"b", "a_1"}), "pgrst_1_");
    EXPECT_EQ(names.table("a_1", {"a_1", "pgrst_2_"}), "pgrst_3_");
}

TEST(InnerNames, AreNeverCut) {
    plan::InnerNames names;
    EXPECT_EQ(names.table(std::string(61, 'n') + "_1", {}), std::string(61, 'n') + "_1");
    EXPECT_EQ(names.table(kLong + "_1", {}), "pgrst_1_");
    // 21 letters of three bytes, which take four in some encodings
    std::string letters;
    for (int i = 0; i < 21; ++i)
        letters += "\u8a9e";
    EXPECT_EQ(names.table(letters, {}), "pgrst_2_");
}

TEST(InnerNames, PrefixesAreThoseOfNoName) {
    EXPECT_EQ(plan::unused_prefix({}), "pgrst_");
    EXPECT_EQ(plan::unused_prefix({"pgrs", "pgrst", "pgrstx_", "pgrst-_"}), "pgrst_");
    EXPECT_EQ(plan::unused_prefix({"pgrst_rows", "pgrst1_", "pgrst3_1"}), "pgrst2_");
    EXPECT_EQ(plan::unused_prefix({"pgrst99999999999999999999_", "pgrst_"}), "pgrst1_");
}

class InnerNamesOfStatements : public ::testing::Test {
protected:
    plan::Tree plan(const std::string& table, const std::string& query, const std::string& alias = {}) {
        rules_.aggregates_enabled = true;
        const auto source = alias.empty() ? plan::Source::Relation : plan::Source::Aliased;
        return plan::plan_tree(catalog_, {catalog_.relation("api", table), "api", table, source, alias},
                               api::parse_query(query, api::PairMeaning::Filters), rules_);
    }

    std::string sql(const std::string& table, const std::string& query, const std::string& alias = {}) {
        const plan::Tree tree = plan(table, query, alias);
        sql::Text text;
        sql::add_select(text, tree.root, {});
        return text.text();
    }

    bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

    test::FakeCatalog catalog_;
    plan::LevelRules rules_;
};

TEST_F(InnerNamesOfStatements, WholeRowsAreNoColumns) {
    catalog_.add_relation("a", {"id", "b_id", "a_b_1", "a"});
    catalog_.add_relation("b", {"id"});
    catalog_.add_foreign_key("a", "b_id", "b", "a_b");
    EXPECT_TRUE(has(sql("a", "select=b()&b=is.null"), R"("a_b_1".* IS NOT DISTINCT FROM NULL)"));
    EXPECT_TRUE(has(sql("b", "select=a(id)"), R"(json_agg("b_a_1".*))"));
    EXPECT_TRUE(has(sql("b", "select=a()&a=not.is.null"), R"("b_a_1"."b_a_1" IS DISTINCT FROM NULL)"));
    EXPECT_TRUE(has(sql("b", "select=a!inner(id)"), R"(ON "b_a_1"."b_a_1" IS NOT NULL)"));

    catalog::Relationship computed;
    computed.cardinality = catalog::Cardinality::OneToMany;
    computed.origin_schema = computed.target_schema = "api";
    computed.origin_name = computed.target_name = "a";
    computed.computed = catalog::ComputedRelationship{"api", "near", true};
    catalog_.add_relationship(computed);
    EXPECT_TRUE(has(sql("a", "select=near(id)"), R"("near"("api"."a".*::"api"."a") AS "a_1")"));
    EXPECT_TRUE(has(sql("a", "select=near(id)", "a"), R"("near"("a".*::"api"."a") AS "a_1")"));
}

TEST_F(InnerNamesOfStatements, RowsOfALevelAreNotThoseOfTheOneAbove) {
    catalog_.add_relation("t", {"id", "up_id"});
    catalog_.add_relation("t_1", {"id"});
    catalog_.add_foreign_key("t", "up_id", "t_1", "t_up");
    EXPECT_TRUE(has(sql("t_1", "select=t(id)"), R"("pgrst_1_"."up_id" = "api"."t_1"."id")"));
    // what a write returned has its relation's name, and no schema
    EXPECT_TRUE(has(sql("t_1", "select=t(id)", "t_1"), R"("pgrst_1_"."up_id" = "t_1"."id")"));
}

TEST_F(InnerNamesOfStatements, EmbedsOfALevelAreNotTheRowsAboveIt) {
    // also where the name of an embed is not the wanted one
    for (const std::string root : {"u_k_2", "pgrst_1_"}) {
        const std::string target = root == "u_k_2" ? "k" : kLong;
        catalog_.add_relation(root, {"id", "u_id"});
        catalog_.add_relation("u", {"id", "k_id"});
        catalog_.add_relation(target, {"id"});
        catalog_.add_foreign_key(root, "u_id", "u", root + "_u");
        catalog_.add_foreign_key("u", "k_id", target, "u_" + target);
        const std::string text = sql(root, "select=u(id," + target + "(id))", root);
        EXPECT_TRUE(has(text, R"("u_1"."id" = ")" + root + R"("."u_id")"));
        EXPECT_FALSE(has(text, ") AS \"" + root + "\"")) << text;
    }
}

TEST_F(InnerNamesOfStatements, LongNamesAreToldApart) {
    catalog_.add_relation(kLong, {"id", "up_id"});
    catalog_.add_foreign_key(kLong, "up_id", kLong, "up");
    const std::string text = sql(kLong, "select=id,up_id(id,up_id(id)),a:up_id(id)");
    EXPECT_FALSE(has(text, kLong + "_"));
    for (const char* name : {"pgrst_1_", "pgrst_2_", "pgrst_3_", "pgrst_4_", "pgrst_5_", "pgrst_6_"})
        EXPECT_TRUE(has(text, std::string(") AS \"") + name) || has(text, std::string("\" AS \"") + name)) << name;
    EXPECT_TRUE(has(sql(kLong, "select=up_id(id),up_id(up_id)"), R"("pgrst_2_" ON TRUE LEFT JOIN LATERAL)"));
}

catalog::Relationship many_to_many(const std::string& origin, const std::string& target, const std::string& junction) {
    catalog::Relationship many;
    many.cardinality = catalog::Cardinality::ManyToMany;
    many.origin_schema = many.target_schema = "api";
    many.origin_name = origin;
    many.target_name = target;
    many.junction = catalog::Junction{"api", junction, "a", "b", {{"id", "o_id"}}, {{"id", "t_id"}}};
    return many;
}

TEST_F(InnerNamesOfStatements, JunctionsHaveANameOfTheirOwn) {
    catalog_.add_relation("j", {"id", "o_id", "t_id"});
    catalog_.add_relation("b", {"id"});
    catalog_.add_relation("b_1", {"id"});
    catalog_.add_relationship(many_to_many("j", "b", "j"));
    catalog_.add_relationship(many_to_many("b", "j", "j"));
    EXPECT_TRUE(has(sql("j", "select=b(id)"),
                    R"(FROM "api"."b", "api"."j" AS "j_1" WHERE "api"."b"."id" = "j_1"."t_id")"
                    R"( AND "api"."j"."id" = "j_1"."o_id")"));
    EXPECT_TRUE(has(sql("b", "select=j(id)"), R"(FROM "api"."j", "api"."j" AS "j_1")"));
    // the target has the name of the rows above
    catalog_.add_relation("a", {"id", "b_id"});
    catalog_.add_foreign_key("a", "b_id", "b", "a_b");
    catalog_.add_relationship(many_to_many("b", "b_1", "j"));
    EXPECT_TRUE(has(sql("a", "select=b(b_1(id))"), R"("b_1_2"."id" = "j_2"."t_id" AND "b_1"."id" = "j_2"."o_id")"));
}

TEST_F(InnerNamesOfStatements, ColumnsOfASpreadStandBesideThoseOfTheAnswer) {
    catalog_.add_relation("a", {"id", "a_b_1", "pgrst_rows", "pgrst1_order_1"});
    catalog_.add_relation("b", {"id", "a_id"});
    catalog_.add_foreign_key("b", "a_id", "a", "b_a");
    const std::string many = sql("a", "select=id,...b(a_b_1:id,pgrst_rows:id,pgrst1_1:id)&b.order=id");
    EXPECT_TRUE(has(many, R"(::pg_catalog.jsonb AS "pgrst2_rows")"));
    EXPECT_TRUE(has(many, R"("b_1"."id" AS "pgrst2_order_1")"));
    EXPECT_TRUE(has(many, R"(json_agg("a_b_1"."pgrst_rows" ORDER BY "a_b_1"."pgrst2_order_1"))"));
    EXPECT_TRUE(has(sql("b", "select=...a(*,id.sum())"), R"(SUM("b_a_1"."pgrst2_1") AS "sum")"));
}

TEST_F(InnerNamesOfStatements, WritesAndCallsNameTheirRowsBesideTheRelation) {
    for (const std::string name : {"pgrst_body", "excluded"}) {
        const auto relation = std::make_shared<catalog::Relation>(catalog_.add_relation(name, {"id", "n"}));
        api::Payload payload;
        payload.form = api::Payload::Form::Object;
        payload.keys = {"id", "n"};
        api::Preferences preferences;
        preferences.resolution = api::Resolution::MergeDuplicates;
        preferences.representation = api::ReturnPreference::Representation;
        const api::Query query = api::parse_query("select=n", api::PairMeaning::Filters);
        for (const auto kind : {plan::WriteKind::Insert, plan::WriteKind::Update}) {
            plan::Tree tree = plan(name, "select=n", name);
            const plan::Write write = plan::plan_write({kind, query, preferences, payload}, relation, tree.root);
            sql::Text text;
            sql::add_write(text, write, "{}", tree.root, sql::WriteAnswer::Rows, {});
            if (name == "pgrst_body" && kind == plan::WriteKind::Update) {
                EXPECT_TRUE(has(text.text(), R"("n" = "pgrst_body_"."n")")) << text.text();
            }
            if (name != "excluded" || kind != plan::WriteKind::Insert) continue;
            EXPECT_TRUE(has(text.text(), R"(INSERT INTO "api"."excluded" AS "pgrst_target"("id", "n"))"));
            EXPECT_TRUE(has(text.text(), R"("n" = EXCLUDED."n")"));
            EXPECT_TRUE(has(text.text(), R"(RETURNING "pgrst_target"."id")"));
        }
    }
    plan::Call call;
    call.function.schema = "api";
    call.function.name = "f";
    call.function.composite = true;
    call.style = plan::CallStyle::JsonObject;
    catalog::Parameter parameter;
    parameter.name = "p";
    parameter.type_name = "integer";
    call.arguments.push_back({&parameter, {}});
    catalog_.add_relation("pgrst_args", {"id"});
    const plan::Tree tree = plan("pgrst_args", "", "pgrst_args");
    sql::Text text;
    sql::add_call(text, call, "{}", tree.root);
    EXPECT_TRUE(has(text.text(), R"(AS "pgrst_args_", LATERAL "api"."f"("p" := "pgrst_args_"."p") AS "pgrst_args")"))
        << text.text();
}

}  // namespace
}  // namespace pgrest

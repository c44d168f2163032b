// Which function a call means, and the SQL of the call.
#include <gtest/gtest.h>

#include "fake_catalog.h"
#include "http/error.h"
#include "plan/call.h"
#include "plan/level_planner.h"
#include "sql/call.h"

namespace pgrest {
namespace {

catalog::Parameter parameter(const std::string& name, const std::string& type, bool required = true) {
    catalog::Parameter made;
    made.name = name;
    made.type_name = made.shown_type = type;
    made.required = required;
    return made;
}

catalog::Function function(const std::string& name, std::vector<catalog::Parameter> parameters) {
    catalog::Function made;
    made.schema = "api";
    made.name = name;
    made.parameters = std::move(parameters);
    return made;
}

class PlanCall : public ::testing::Test {
protected:
    std::string code(const std::string& name, const plan::Arguments& arguments) {
        try {
            plan::plan_call(catalog_, "api", name, arguments, nullptr);
        } catch (const http::Failure& failure) {
            return failure.error().code;
        }
        return "none";
    }

    std::string sql(const std::string& name, const plan::Arguments& arguments, const api::Payload* payload = nullptr,
                    std::string_view body = {}) {
        const plan::Call call = plan::plan_call(catalog_, "api", name, arguments, payload);
        plan::Level level;
        level.source = plan::Source::Aliased;
        level.alias = name;
        plan::Output star;
        star.star = true;
        level.outputs.push_back(star);
        sql::Text text;
        sql::add_call(text, call, body, level);
        return text.text();
    }

    test::FakeCatalog catalog_;
};

TEST_F(PlanCall, OfMillionsOfNamesFewAreLookedAt) {
    catalog_.add_function(function("body", {parameter("", "json")}));
    plan::Arguments many;
    many.post = many.from_json = true;
    for (int i = 0; i < 2000000; ++i)
        many.json_names.push_back("name" + std::to_string(i));
    EXPECT_EQ(code("f", many), "PGRST202");
    EXPECT_EQ(code("body", many), "none");
    try {
        plan::plan_call(catalog_, "api", "f", many, nullptr);
    } catch (const http::Failure& failure) {
        EXPECT_LE(failure.error().message.size(), 2048u);
        EXPECT_TRUE(failure.error().message.ends_with("..."));
        EXPECT_LE(failure.error().details->size(), 2048u);
    }
}

TEST_F(PlanCall, ArgumentsDecideAmongOverloads) {
    catalog_.add_function(function("f", {parameter("a", "integer")}));
    catalog_.add_function(function("f", {parameter("a", "integer"), parameter("b", "integer")}));
    plan::Arguments one;
    one.values = {{"a", "1"}};
    EXPECT_EQ(code("f", one), "none");
    plan::Arguments unknown;
    unknown.values = {{"z", "1"}};
    EXPECT_EQ(code("f", unknown), "PGRST202");
    EXPECT_EQ(code("g", one), "PGRST202");
}

TEST_F(PlanCall, DefaultsCanMakeOverloadsAmbiguous) {
    catalog_.add_function(function("f", {parameter("a", "integer")}));
    catalog_.add_function(function("f", {parameter("a", "integer"), parameter("b", "integer", false)}));
    plan::Arguments one;
    one.values = {{"a", "1"}};
    EXPECT_EQ(code("f", one), "PGRST203");
}

TEST_F(PlanCall, ValuesAreCastParameters) {
    catalog_.add_function(function("add", {parameter("a", "integer"), parameter("b", "integer")}));
    plan::Arguments arguments;
    arguments.values = {{"a", "0"}, {"b", "2"}, {"a", "1"}};
    EXPECT_EQ(
        sql("add", arguments),
        R"(SELECT "add".* FROM (SELECT "api"."add"("a" := $1::integer, "b" := $2::integer) AS pgrst_scalar) AS "add")");
}

TEST_F(PlanCall, RepeatedValuesFillAVariadicParameter) {
    catalog::Function variadic = function("v", {parameter("v", "integer[]")});
    variadic.parameters[0].variadic = true;
    catalog_.add_function(variadic);
    plan::Arguments arguments;
    arguments.values = {{"v", "1"}, {"v", "2"}};
    EXPECT_NE(sql("v", arguments).find("VARIADIC \"v\" := $1::integer[]"), std::string::npos);
}

TEST_F(PlanCall, JsonArgumentsComeFromTheDocument) {
    catalog_.add_function(function("add", {parameter("a", "integer"), parameter("b", "integer", false)}));
    plan::Arguments arguments;
    arguments.post = arguments.from_json = true;
    arguments.json_names = {"a"};
    api::Payload payload;
    payload.form = api::Payload::Form::Object;
    EXPECT_EQ(
        sql("add", arguments, &payload, "{\"a\":1}"),
        R"(SELECT "add".* FROM (SELECT $1::pg_catalog.json AS pgrst_json) AS "pgrst_document", LATERAL (SELECT * FROM)"
        R"( pg_catalog.json_to_record("pgrst_document"."pgrst_json") AS _("a" integer) LIMIT 1) AS "pgrst_args", LATERAL)"
        R"( (SELECT "api"."add"("a" := "pgrst_args"."a") AS pgrst_scalar) AS "add")");
}

TEST_F(PlanCall, ASingleUnnamedParameterTakesTheBody) {
    catalog_.add_function(function("take", {parameter("", "json")}));
    plan::Arguments arguments;
    arguments.post = arguments.from_json = true;
    arguments.json_names = {"anything"};
    EXPECT_NE(sql("take", arguments, nullptr, "{}").find("\"api\".\"take\"($1::json)"), std::string::npos);
    arguments.post = false;
    EXPECT_EQ(code("take", arguments), "PGRST202");
}

TEST_F(PlanCall, TheEmptyNameIsThatOfAnUnnamedParameterOfAnyType) {
    catalog_.add_function(function("say", {parameter("", "text")}));
    catalog_.add_function(function("pick", {parameter("", "text")}));
    catalog_.add_function(function("pick", {parameter("", "jsonb")}));
    catalog_.add_function(function("named", {parameter("a", "text")}));
    plan::Arguments arguments;
    arguments.post = arguments.from_json = true;
    arguments.json_names = {""};
    EXPECT_NE(sql("say", arguments, nullptr, R"({"":1})").find("\"api\".\"say\"($1::text)"), std::string::npos);
    EXPECT_EQ(code("pick", arguments), "PGRST203");
    EXPECT_EQ(code("named", arguments), "PGRST202");
    arguments.json_names = {"", "a"};
    EXPECT_EQ(code("say", arguments), "PGRST202");
    arguments.json_names = {"a"};
    EXPECT_EQ(code("say", arguments), "PGRST202");
    plan::Arguments form;
    form.post = form.form = true;
    form.body_kind = api::MediaKind::UrlEncoded;
    form.values = {{"", "1"}};
    EXPECT_EQ(code("say", form), "PGRST202");
    plan::Arguments query;
    query.values = {{"", "1"}};
    EXPECT_EQ(code("say", query), "PGRST202");
}

TEST_F(PlanCall, LargeDocumentsAreTakenApart) {
    catalog::Function asked =
        function("f", {parameter("a", "text"), parameter("b", "json"), parameter("c", "integer")});
    const catalog::Oid types[] = {25, 114, 23};
    for (std::size_t i = 0; i < 3; ++i)
        asked.parameters[i].type = types[i];
    const auto values_of = [&](const std::string& document) {
        plan::Call call{asked, plan::CallStyle::JsonObject, {}};
        for (const auto& parameter : call.function.parameters)
            call.arguments.push_back({&parameter, {}});
        plan::take_large_values(call, document);
        std::string shown = call.style == plan::CallStyle::Values ? "" : "json";
        for (const auto& argument : call.arguments)
            for (const std::string& value : argument.values)
                shown += value.substr(0, 20) + ";";
        return shown;
    };
    const std::string large = R"("more":")" + std::string(70000, 'x') + "\"}";
    EXPECT_EQ(values_of(R"( {"a":"\n\u00e9","b":"\n","c":1,)" + large), "\n\xc3\xa9;\"\\n\";1;");
    EXPECT_EQ(values_of(R"({"a":{"x":1},"b":[1],"c":null,)" + large), R"({"x":1};[1];)");
    EXPECT_EQ(values_of(R"({"a":"first","a":"last",)" + large), "last;");
    EXPECT_EQ(values_of(R"({"c":[1],)" + large), "json");
    EXPECT_EQ(values_of(R"({"a":"small"})"), "json");
}

}  // namespace
}  // namespace pgrest

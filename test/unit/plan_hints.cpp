// What an error proposes can be written, or called.
#include <gtest/gtest.h>

#include "api/parse.h"
#include "fake_catalog.h"
#include "http/error.h"
#include "plan/call.h"
#include "plan/relationship.h"

namespace pgrest {
namespace {

using catalog::Cardinality;

api::SelectEmbed embed(const std::string& target, std::optional<std::string> hint = {}) {
    api::SelectEmbed made;
    made.target = target;
    made.hint = std::move(hint);
    return made;
}

class PlanHints : public ::testing::Test {
protected:
    http::Error error(const std::string& origin, const api::SelectEmbed& embedded) {
        try {
            plan::find_relationship(catalog_, "api", origin, embedded);
        } catch (const http::Failure& failure) {
            return failure.error();
        }
        return {};
    }
    std::string hint(const std::string& origin, const api::SelectEmbed& embedded) {
        return error(origin, embedded).hint.value_or("");
    }
    std::string hint_of_call(const std::string& name, bool post = false) {
        plan::Arguments arguments;
        arguments.post = post;
        try {
            plan::plan_call(catalog_, "api", name, arguments, nullptr);
        } catch (const http::Failure& failure) {
            return failure.error().hint.value_or("");
        }
        return "called";
    }
    void add_function(const std::string& name, const std::vector<std::string>& parameters) {
        catalog::Function made;
        made.schema = "api";
        made.name = name;
        for (const std::string& parameter : parameters) {
            made.parameters.emplace_back();
            made.parameters.back().name = parameter;
            made.parameters.back().type_name = made.parameters.back().shown_type = "json";
        }
        catalog_.add_function(std::move(made));
    }

    test::FakeCatalog catalog_;
};

TEST_F(PlanHints, TwoKeysToItselfAreTold) {
    catalog_.add_foreign_key("nodes", "up", "nodes", "nodes_up_fkey");
    catalog_.add_foreign_key("nodes", "down", "nodes", "nodes_down_fkey");
    EXPECT_EQ(hint("nodes", embed("nodes")),
              "Name the one that is meant in place of 'nodes': 'nodes!down', 'nodes!up'");
    EXPECT_EQ(error("nodes", embed("nodes", "up")).code, "");
}

TEST_F(PlanHints, ConstraintsTellTwoKeysApart) {
    catalog_.add_foreign_key("visits", "host", "people", "of_host");
    catalog_.add_foreign_key("visits", "guest", "people", "of_guest");
    EXPECT_EQ(hint("visits", embed("people")),
              "Name the one that is meant in place of 'people': 'people!of_guest', 'people!of_host'");
}

TEST_F(PlanHints, NothingIsProposedThatMeansSeveral) {
    catalog::Relationship entry;
    entry.constraint = "key";
    entry.origin_schema = entry.target_schema = "api";
    entry.origin_name = "seen";
    entry.target_name = "pairs";
    entry.columns = {{"a", "x"}, {"b", "y"}};
    catalog_.add_relationship(entry);
    entry.columns = {{"c", "x"}, {"b", "y"}};
    catalog_.add_relationship(entry);
    EXPECT_EQ(hint("seen", embed("pairs")),
              "No name tells them apart; a computed relationship (a function that returns the rows) does.");
}

TEST_F(PlanHints, AHintThatIsWrongIsToBlameAndNotTheTarget) {
    catalog_.add_foreign_key("visits", "host", "people", "of_host");
    EXPECT_EQ(error("visits", embed("people", "guest")).code, "PGRST200");
    EXPECT_EQ(hint("visits", embed("people", "guest")), "");
    EXPECT_EQ(hint("visits", embed("peopl")), "Perhaps you meant 'people' instead of 'peopl'.");
}

TEST_F(PlanHints, OnlyFunctionsThatTheMethodCanCallAreProposed) {
    add_function("takes_doc", {""});
    add_function("takes_dock", {"a"});
    EXPECT_EQ(hint_of_call("takes_do", true), "Perhaps you meant to call the function api.takes_doc.");
    EXPECT_EQ(hint_of_call("takes_do"), "Perhaps you meant to call the function api.takes_dock.");
    EXPECT_EQ(hint_of_call("takes_doc"), "");
}

}  // namespace
}  // namespace pgrest

// Operations, logic trees, names and JSON paths of filters.
#include <gtest/gtest.h>

#include "api/parse.h"
#include "failure.h"

namespace pgrest {
namespace {

api::Operation operation(const std::string& text) {
    auto parsed = api::parse_operation(text);
    if (!parsed) {
        ADD_FAILURE() << text << " is no operation";
        return {};
    }
    return *parsed;
}

api::Filter filter(const std::string& query) {
    const api::Query parsed = api::parse_query(query, api::PairMeaning::Filters);
    if (parsed.filters.size() != 1) {
        ADD_FAILURE() << query;
        return {};
    }
    return parsed.filters[0].value;
}

std::string refused(const std::string& query) {
    return code_of([&] { api::parse_query(query, api::PairMeaning::Filters); });
}

TEST(Operation, HasEveryOperator) {
    const std::pair<const char*, api::Operator> known[] = {
        {"eq.1", api::Operator::Eq},
        {"neq.1", api::Operator::Neq},
        {"gt.1", api::Operator::Gt},
        {"gte.1", api::Operator::Gte},
        {"lt.1", api::Operator::Lt},
        {"lte.1", api::Operator::Lte},
        {"like.a", api::Operator::Like},
        {"ilike.a", api::Operator::Ilike},
        {"match.a", api::Operator::Match},
        {"imatch.a", api::Operator::Imatch},
        {"in.(1)", api::Operator::In},
        {"is.null", api::Operator::Is},
        {"isdistinct.1", api::Operator::IsDistinct},
        {"fts.a", api::Operator::Fts},
        {"plfts.a", api::Operator::Plfts},
        {"phfts.a", api::Operator::Phfts},
        {"wfts.a", api::Operator::Wfts},
        {"cs.{1}", api::Operator::Cs},
        {"cd.{1}", api::Operator::Cd},
        {"ov.{1}", api::Operator::Ov},
        {"sl.(1,2)", api::Operator::Sl},
        {"sr.(1,2)", api::Operator::Sr},
        {"nxr.(1,2)", api::Operator::Nxr},
        {"nxl.(1,2)", api::Operator::Nxl},
        {"adj.(1,2)", api::Operator::Adj},
    };
    for (const auto& [text, op] : known) {
        EXPECT_EQ(operation(text).op, op) << text;
        EXPECT_FALSE(operation(text).negated) << text;
        EXPECT_TRUE(operation(std::string("not.") + text).negated) << text;
    }
}

TEST(Operation, IsNothingForOtherText) {
    for (const char* text : {"", "1", "eq", "equals.1", "EQ.1", "notes.1"})
        EXPECT_FALSE(api::parse_operation(text)) << text;
}

TEST(Operation, KeepsItsValueAsItIs) {
    EXPECT_EQ(operation("eq.a.b,c(d)\"e\"").value, "a.b,c(d)\"e\"");
    EXPECT_EQ(operation("eq.").value, "");
    EXPECT_EQ(operation("eq.'; drop table x; --").value, "'; drop table x; --");
}

TEST(Operation, TurnsStarsOfPatternsIntoPercents) {
    EXPECT_EQ(operation("like.*a*").value, "%a%");
    EXPECT_EQ(operation("ilike.a*").value, "a%");
    EXPECT_EQ(operation("match.a*").value, "a*");
    EXPECT_EQ(operation("eq.a*").value, "a*");
}

TEST(Operation, HasQuantifiers) {
    EXPECT_EQ(operation("eq(any).{1,2}").quantifier, api::Quantifier::Any);
    EXPECT_EQ(operation("like(all).{a*,*b}").quantifier, api::Quantifier::All);
    EXPECT_EQ(operation("like(all).{a*,*b}").value, "{a%,%b}");
}

TEST(Operation, HasLanguagesOfTextSearch) {
    const api::Operation search = operation("fts(english).cats");
    ASSERT_TRUE(search.language);
    EXPECT_EQ(*search.language, "english");
    EXPECT_EQ(search.value, "cats");
    EXPECT_FALSE(operation("fts.cats").language);
}

TEST(Operation, ReadsLists) {
    EXPECT_EQ(operation("in.(1,2,3)").list, (std::vector<std::string>{"1", "2", "3"}));
    EXPECT_EQ(operation("in.(a b,\"c,d\",\"e\\\"f\",)").list.size(), 4u);
    EXPECT_EQ(operation("in.(\"c,d\")").list, (std::vector<std::string>{"c,d"}));
    EXPECT_EQ(operation("in.(\"e\\\"f\")").list, (std::vector<std::string>{"e\"f"}));
    EXPECT_TRUE(operation("in.()").list.empty());
    EXPECT_EQ(refused("id=in.1"), "PGRST100");
    EXPECT_EQ(refused("id=in.(1"), "PGRST100");
}

TEST(Operation, KnowsWhatIsMayBe) {
    EXPECT_EQ(operation("is.null").is, api::IsWord::Null);
    EXPECT_EQ(operation("is.not_null").is, api::IsWord::NotNull);
    EXPECT_EQ(operation("is.TRUE").is, api::IsWord::True);
    EXPECT_EQ(operation("is.false").is, api::IsWord::False);
    EXPECT_EQ(operation("is.unknown").is, api::IsWord::Unknown);
    EXPECT_EQ(refused("id=is.nothing"), "PGRST100");
    EXPECT_EQ(refused("id=is."), "PGRST100");
}

TEST(Filter, HasAColumnAndAPath) {
    const api::Filter plain = filter("id=eq.5");
    EXPECT_EQ(plain.field.name, "id");
    EXPECT_TRUE(plain.field.path.empty());
    const api::Filter path = filter("data->a->>1=eq.x");
    EXPECT_EQ(path.field.name, "data");
    ASSERT_EQ(path.field.path.size(), 2u);
    EXPECT_FALSE(path.field.path[0].as_text);
    EXPECT_EQ(path.field.path[0].key, "a");
    EXPECT_TRUE(path.field.path[1].as_text);
    EXPECT_TRUE(path.field.path[1].is_index);
    EXPECT_EQ(filter("data->>-1=eq.x").field.path[0].key, "-1");
}

TEST(Filter, DecodesPercents) {
    EXPECT_EQ(filter("na%20me=eq.a%2Cb%26c+d").field.name, "na me");
    EXPECT_EQ(filter("name=eq.a%2Cb%26c+d").operation.value, "a,b&c d");
    EXPECT_EQ(filter("%22a.b%22=eq.1").field.name, "a.b");
}

TEST(Filter, OfAnEmbedNamesItsPath) {
    const api::Query query = api::parse_query("a.b.id=eq.1", api::PairMeaning::Filters);
    ASSERT_EQ(query.filters.size(), 1u);
    EXPECT_EQ(query.filters[0].path, (api::EmbedPath{"a", "b"}));
    EXPECT_EQ(query.filters[0].value.field.name, "id");
}

TEST(Filter, IsRefusedWhenItIsNoOperation) {
    for (const char* query : {"id=5", "id=", "id=eq", "id=foo.5", "id=not.5"})
        EXPECT_EQ(refused(query), "PGRST100") << query;
}

TEST(Filter, OfAFunctionMayBeAnArgument) {
    const api::Query query = api::parse_query("a=5&b=eq.5&a=6", api::PairMeaning::FiltersAndArguments);
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    EXPECT_EQ(query.arguments, (Pairs{{"a", "5"}, {"a", "6"}}));
    EXPECT_EQ(query.filters.size(), 1u);
}

TEST(LogicTree, NestsAndNegates) {
    const api::Query query =
        api::parse_query("or=(a.eq.1,not.and(b.gt.2,c.is.null),d.not.in.(1,2))", api::PairMeaning::Filters);
    ASSERT_EQ(query.trees.size(), 1u);
    const api::LogicTree& tree = query.trees[0].value;
    EXPECT_TRUE(tree.any);
    EXPECT_FALSE(tree.negated);
    ASSERT_EQ(tree.nodes.size(), 3u);
    const auto& inner = std::get<api::LogicTree>(tree.nodes[1].value);
    EXPECT_FALSE(inner.any);
    EXPECT_TRUE(inner.negated);
    EXPECT_EQ(inner.nodes.size(), 2u);
    EXPECT_TRUE(std::get<api::Filter>(tree.nodes[2].value).operation.negated);
}

TEST(LogicTree, QuotesValues) {
    const api::LogicTree tree = api::parse_logic_tree("(a.eq.\"x,y)\",b.cs.{1,2})", false, true);
    ASSERT_EQ(tree.nodes.size(), 2u);
    EXPECT_EQ(std::get<api::Filter>(tree.nodes[0].value).operation.value, "x,y)");
    EXPECT_EQ(std::get<api::Filter>(tree.nodes[1].value).operation.value, "{1,2}");
}

TEST(LogicTree, IsRefusedWhenBroken) {
    for (const char* query : {"or=", "or=()", "or=(a.eq.1", "or=a.eq.1", "or=(a)", "and=(or(a.eq.1)"})
        EXPECT_EQ(refused(query), "PGRST100") << query;
}

TEST(LogicTree, HasALimitOfDepth) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "and(";
    EXPECT_EQ(refused("or=(" + deep), "PGRST100");
}

}  // namespace
}  // namespace pgrest

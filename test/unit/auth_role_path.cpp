// Where the role is: JSON Path (RFC 9535) and the older dotted syntax.
#include <gtest/gtest.h>

#include "auth/role_path.h"

namespace pgrest {
namespace {

constexpr const char* kClaims =
    R"({"role":"top","port":{"db-roles":["anon","clerk"]},"groups":["viewer","skipper_anna","skipper_bob"],
        "list":[{"n":1,"r":"one"},{"n":2,"r":"two"},{"n":3,"r":"three"}],"a b":"blank","n":42,"z":null,"o":{"y":"yy","x":"xx"}})";

std::string find(const std::string& path) {
    const auto parsed = auth::RolePath::parse(path);
    if (!parsed) return "(no path)";
    return parsed->find(kClaims).value_or("(nothing)");
}

TEST(RolePath, FindsByName) {
    EXPECT_EQ(find("$.role"), "top");
    EXPECT_EQ(find("$['a b']"), "blank");
    EXPECT_EQ(find("$[\"a b\"]"), "blank");
    EXPECT_EQ(find("$.port['db-roles'][1]"), "clerk");
    EXPECT_EQ(find("$.nothing"), "(nothing)");
    EXPECT_EQ(find("$.role.deeper"), "(nothing)");
}

TEST(RolePath, FindsByIndexAndSlice) {
    EXPECT_EQ(find("$.groups[0]"), "viewer");
    EXPECT_EQ(find("$.groups[-1]"), "skipper_bob");
    EXPECT_EQ(find("$.groups[9]"), "(nothing)");
    EXPECT_EQ(find("$.groups[1:]"), "skipper_anna");
    EXPECT_EQ(find("$.groups[::-1]"), "skipper_bob");
    EXPECT_EQ(find("$.groups[5,'x',2]"), "skipper_bob");
}

TEST(RolePath, FindsByWildcardInOrderOfKeys) {
    EXPECT_EQ(find("$.o.*"), "xx");
    EXPECT_EQ(find("$.groups[*]"), "viewer");
    EXPECT_EQ(find("$..r"), "one");
}

TEST(RolePath, FindsByFilter) {
    EXPECT_EQ(find("$.list[?@.n == 2].r"), "two");
    EXPECT_EQ(find("$.list[?@.n > 1 && @.n != 2].r"), "three");
    EXPECT_EQ(find("$.list[?(@.n < 2 || @.n >= 3)].r"), "one");
    EXPECT_EQ(find("$.list[?!@.n].r"), "(nothing)");
    EXPECT_EQ(find("$.list[?@.r].n"), "1");
    EXPECT_EQ(find("$.groups[?@ == 'viewer']"), "viewer");
    EXPECT_EQ(find("$.groups[?search(@, '^skipper_')]"), "skipper_anna");
    EXPECT_EQ(find("$.groups[?search(@, '[')]"), "(no path)");
}

TEST(RolePath, GivesOtherValuesAsJson) {
    EXPECT_EQ(find("$.n"), "42");
    EXPECT_EQ(find("$.z"), "null");
    EXPECT_EQ(find("$.port['db-roles']"), R"(["anon","clerk"])");
}

TEST(RolePath, TakesTheOlderSyntax) {
    EXPECT_EQ(find(".role"), "top");
    EXPECT_EQ(find(".\"a b\""), "blank");
    EXPECT_EQ(find(".port.\"db-roles\"[1]"), "clerk");
    EXPECT_EQ(find(".groups[?(@ == \"viewer\")]"), "viewer");
    EXPECT_EQ(find(".groups[?(@ != \"viewer\")]"), "skipper_anna");
    EXPECT_EQ(find(".groups[?(@ ^== \"skipper_\")]"), "skipper_anna");
    EXPECT_EQ(find(".groups[?(@ ==^ \"_bob\")]"), "skipper_bob");
    EXPECT_EQ(find(".groups[?(@ *== \"per_b\")]"), "skipper_bob");
    EXPECT_TRUE(auth::RolePath::parse(".role")->is_deprecated());
    EXPECT_FALSE(auth::RolePath::parse("$.role")->is_deprecated());
}

TEST(RolePath, RefusesOtherText) {
    for (const char* path : {"", "role", "$.", "$[", "$[?", "$.a[", "..", "$.1a", "$['a", "$[1", "$.a b", "no path [",
                             ".groups[?(@ ~ \"x\")]", "$[?search(@)]", "$[01]"})
        EXPECT_FALSE(auth::RolePath::parse(path)) << path;
}

TEST(RolePath, GivesUpOnEndlessWork) {
    std::string claims = "{\"a\":";
    for (int i = 0; i < 100; ++i)
        claims += "[[1,2,3,4,5,6,7,8],";
    claims += "0" + std::string(100, ']') + "}";
    const auto path = auth::RolePath::parse("$..*..*..*..*..*..nothing");
    ASSERT_TRUE(path);
    EXPECT_FALSE(path->find(claims));
}

}  // namespace
}  // namespace pgrest

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

std::string find_in(const std::string& claims, const std::string& path) {
    const auto parsed = auth::RolePath::parse(path);
    if (!parsed) return "(no path)";
    return parsed->find(claims).value_or("(nothing)");
}

TEST(RolePath, KnowsEveryFormOfTheSpecification) {
    const char* const claims =
        R"({"role":"top","a":[0,1,2,3,4,5],"o":{"j":{"k":"v"},"2":"two","\u263a":"smile","'":"quote"},"ä":"umlaut"})";
    const std::pair<const char*, const char*> found[] = {
        {"$",
         R"({"role":"top","a":[0,1,2,3,4,5],"o":{"j":{"k":"v"},"2":"two","\u263a":"smile","'":"quote"},"ä":"umlaut"})"},
        {"$.role", "top"},
        {"$ .role", "top"},
        {"$\t[ 'role' ]", "top"},
        {"$.ä", "umlaut"},
        {"$['\\u00e4']", "umlaut"},
        {"$[\"\\u00e4\"]", "umlaut"},
        {"$.o['\\u263A']", "smile"},
        {"$.o['\\'']", "quote"},
        {"$.o[\"'\"]", "quote"},
        {"$.a[0]", "0"},
        {"$.a[-6]", "0"},
        {"$.a[-7]", "(nothing)"},
        {"$.a[9007199254740991]", "(nothing)"},
        {"$.a[2:4]", "2"},
        {"$.a[ 2 : 4 ]", "2"},
        {"$.a[:]", "0"},
        {"$.a[::]", "0"},
        {"$.a[-2:]", "4"},
        {"$.a[5:1:-2]", "5"},
        {"$.a[::-1]", "5"},
        {"$.a[1:1]", "(nothing)"},
        {"$.a[::0]", "(nothing)"},
        {"$.a[9:,1]", "1"},
        {"$['x','role']", "top"},
        {"$.o..k", "v"},
        {"$..['k']", "v"},
        {"$..[1]", "1"},
        {"$.o.*", "quote"},
        {"$.o..*", "quote"},
        {"$.a[?@ > 3]", "4"},
        {"$.a[?@>=3&&@<5]", "3"},
        {"$.a[?@ == 1 || @ == 2]", "1"},
        {"$.a[?!(@ < 4)]", "4"},
        {"$.a[?@ == $.a[3]]", "3"},
        {"$.a[?3 == @]", "3"},
        {"$.a[?@ == 3.0]", "3"},
        {"$.a[?@ == 3e0]", "3"},
        {"$.a[?@ == '3']", "(nothing)"},
        {"$.a[?@ < 'x']", "(nothing)"},
        {"$.a[?@.x == @.y]", "0"},
        {"$.a[?@.x != 1]", "0"},
        {"$[?@.k]", "(nothing)"},
        {"$[?@.j.k]", R"({"j":{"k":"v"},"2":"two","\u263a":"smile","'":"quote"})"},
        {"$.o[?@ == $.o.j]", R"({"k":"v"})"},
    };
    for (const auto& [path, value] : found)
        EXPECT_EQ(find_in(claims, path), value) << path;
}

TEST(RolePath, ComparesArraysAndObjectsByValue) {
    const char* const claims =
        R"({"l":[{"v":[1, 2 ,{"a":1,"b":[]}],"r":"one"},{"v":[2,1],"r":"two"}],"w":[1.0,2,{"b":[],"a":1}]})";
    EXPECT_EQ(find_in(claims, "$.l[?@.v == $.w].r"), "one");
    EXPECT_EQ(find_in(claims, "$.l[?@.v != $.w].r"), "two");
    EXPECT_EQ(find_in(claims, "$.l[?@.v <= $.w].r"), "one");
    EXPECT_EQ(find_in(claims, "$.l[?@.v < $.w].r"), "(nothing)");
}

TEST(RolePath, RefusesWhatTheRfcRefuses) {
    for (const char* path : {"$.a ",
                             " $.a",
                             "$. a",
                             "$.. a",
                             "$..",
                             "$.a..",
                             "$[]",
                             "$[,1]",
                             "$[1,]",
                             "$[-0]",
                             "$[00]",
                             "$[1.0]",
                             "$[+1]",
                             "$[9007199254740992]",
                             "$[-9007199254740992]",
                             "$['a\"]",
                             "$['\\x']",
                             "$['\\ud800']",
                             "$[a]",
                             "$.'a'",
                             "$a",
                             "@.a",
                             "$[?]",
                             "$[?()]",
                             "$[?1]",
                             "$[?'a']",
                             "$[?true]",
                             "$[?@.a = 1]",
                             "$[?@.a == ]",
                             "$[?@.* == 1]",
                             "$[?@..a == 1]",
                             "$[?@['a','b'] == 1]",
                             "$[?@[0:1] == 1]",
                             "$[?!@.a == 1]",
                             "$[?!!@.a]",
                             "$[?@.a &]",
                             "$[?@.a | @.b]",
                             "$[?(@.a]",
                             "$[?@.a)]",
                             "$[?search(@.*, 'x')]",
                             "$[?search(@, 'x']",
                             "$[?search(@, @.b)]",
                             "$[?length(@) == 1]",
                             "$[?@ == 01]",
                             "$[?@ == 1.]",
                             "$[?@ == .5]",
                             "$[?@ == +1]",
                             "$[?@ == tru]"})
        EXPECT_FALSE(auth::RolePath::parse(path)) << path;
}

TEST(RolePath, OfTheOlderSyntaxRefuses) {
    for (const char* path : {".", "..a", ".a.", ".a[", ".a[x]", ".a[-1]", ".a[0", ".\"a", ".a-b", ".a b", "[0", ".a[*]",
                             ".a[?(@ == 'x')]", ".a[?(@ == \"x\")].b", ".a[?(@ == \"x\"]", ".a[9999999999]"})
        EXPECT_FALSE(auth::RolePath::parse(path)) << path;
}

TEST(RolePath, OfTheOlderSyntaxSkipsWhatIsNoString) {
    const char* const claims = R"({"a":[5,null,["x"],{"x":1},"y","x"],"b":"x","@$_1":"odd"})";
    EXPECT_EQ(find_in(claims, R"(.a[?(@ == "x")])"), "x");
    EXPECT_EQ(find_in(claims, R"(.a[?(@ != "y")])"), "x");
    EXPECT_EQ(find_in(claims, R"(.a[?(@ == "5")])"), "(nothing)");
    EXPECT_EQ(find_in(claims, R"(.b[?(@ == "x")])"), "(nothing)");
    EXPECT_EQ(find_in(claims, ".@$_1"), "odd");
    EXPECT_EQ(find_in(claims, ".a[4]"), "y");
    EXPECT_EQ(find_in(claims, ".a[0]"), "5");
    EXPECT_EQ(find_in(claims, ".a[1]"), "null");
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

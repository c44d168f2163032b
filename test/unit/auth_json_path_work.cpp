// The work of a JSON Path is bounded, however path and document multiply it.
#include <gtest/gtest.h>

#include "auth/json_path.h"

namespace pgrest::auth {
namespace {

std::string array_of(const std::string& element, int count) {
    std::string text = "[";
    for (int i = 0; i < count; ++i)
        text += (i ? "," : "") + element;
    return text + "]";
}

std::optional<std::string> find(const std::string& path, const std::string& document) {
    const auto parsed = JsonPath::parse(path);
    const auto root = json::parse(document);
    if (!parsed || !root) return "cannot be read";
    const auto found = parsed->first(*root);
    return found ? std::optional<std::string>(found->text) : std::nullopt;
}

TEST(JsonPathWork, GivesUpWhereEveryElementReadsTheWholeDocument) {
    EXPECT_EQ(find("$[?$[0] == 1]", array_of("1", 20)), "1");
    EXPECT_EQ(find("$[?$[0] == 1]", array_of("1", 20000)), std::nullopt);
}

TEST(JsonPathWork, GivesUpWhereDescendantsAreNested) {
    const std::string deep = std::string(100, '[') + array_of("1", 2000) + std::string(100, ']');
    EXPECT_EQ(find("$..[?@..[?@..x]]", deep), std::nullopt);
    EXPECT_EQ(find("$..[?@ == 1]", deep), "1");
}

TEST(JsonPathWork, IsEnoughForLargeClaims) {
    const std::string claims = R"({"groups":)" + array_of(R"({"name":"a group"})", 4000) + R"(,"role":"clerk"})";
    EXPECT_EQ(find("$.role", claims), "\"clerk\"");
    EXPECT_EQ(find("$..role", claims), "\"clerk\"");
    EXPECT_EQ(find("$.groups[?@.name == 'a group'].name", claims), "\"a group\"");
}

}  // namespace
}  // namespace pgrest::auth

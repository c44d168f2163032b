// JSON that is read without being changed.
#include <gtest/gtest.h>

#include "json/json.h"

namespace pgrest {
namespace {

TEST(Json, AcceptsWhatRfc8259Allows) {
    for (const char* text :
         {"null", "true", "false", "0", "-0", "-1.5e+10", "1E400", "123456789012345678901234", "\"\"",
          "\"\\u00e9\\n\\/\"", "\"\\ud83c\\udf0d\"", "[]", "[ 1 , [ ] ]", "{}", " {\"a\" : {} } \n"})
        EXPECT_TRUE(json::parse(text)) << text;
}

TEST(Json, RefusesTheRest) {
    for (const char* text : {"",
                             " ",
                             "nul",
                             "True",
                             "01",
                             "1.",
                             ".5",
                             "+1",
                             "1e",
                             "-",
                             "0x1",
                             "NaN",
                             "\"",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\ud83c\"",
                             "\"\\udf0d\"",
                             "\"a\nb\"",
                             "\"\x01\"",
                             "[1,]",
                             "[1 2]",
                             "{\"a\"}",
                             "{a:1}",
                             "{\"a\":1,}",
                             "{1:2}",
                             "1 2",
                             "[",
                             "{",
                             "'a'",
                             "// 1",
                             "\xEF\xBB\xBF{}",
                             "\"\xff\"",
                             "\"\xc0\x80\"",
                             "\"\xed\xa0\x80\""})
        EXPECT_FALSE(json::parse(text)) << text;
}

TEST(Json, NestsUpToTheLimitAndNoDeeper) {
    const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(json::parse(nested(10), 10));
    EXPECT_FALSE(json::parse(nested(11), 10));
    EXPECT_TRUE(json::parse(nested(json::kMaxDepth)));
    EXPECT_FALSE(json::parse(nested(json::kMaxDepth + 1)));
    EXPECT_FALSE(json::parse(std::string(1'000'000, '[')));
}

TEST(Json, KeepsTheTextOfValues) {
    const auto object = json::parse(R"( { "n" : 12345678901234567890.10 , "x":1e400, "n": "second" } )");
    ASSERT_TRUE(object);
    const auto members = json::members(*object);
    ASSERT_EQ(members.size(), 3u);
    EXPECT_EQ(members[0].value.text, "12345678901234567890.10");
    EXPECT_EQ(members[1].value.text, "1e400");
    EXPECT_EQ(members[2].key, "n");
    EXPECT_EQ(json::member(*object, "n")->text, "12345678901234567890.10");
    EXPECT_FALSE(json::member(*object, "m"));
}

TEST(Json, DecodesStrings) {
    const auto value = json::parse(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83c\udf0d\u0000z")");
    ASSERT_TRUE(value);
    EXPECT_EQ(json::string_of(*value), std::string("a\"\\/\b\f\n\r\té🌍\0z", 17));
}

TEST(Json, CompactsOutsideOfStringsOnly) {
    EXPECT_EQ(json::compact(*json::parse("{ \"a b\" : [ 1 , \" x \" ] }")), "{\"a b\":[1,\" x \"]}");
}

TEST(Json, WritesStringsThatReadBack) {
    const std::string text = std::string("q\"\\\n\t\x01\0é🌍", 13);
    std::string out;
    json::append_string(out, text);
    const auto value = json::parse(out);
    ASSERT_TRUE(value) << out;
    EXPECT_EQ(json::string_of(*value), text);
}

TEST(Json, ReplacesWhatIsNoUtf8) {
    std::string out;
    json::append_string(out,
                        "a\xff"
                        "b");
    EXPECT_EQ(out,
              "\"a\xEF\xBF\xBD"
              "b\"");
}

TEST(Json, KnowsUtf8) {
    EXPECT_TRUE(json::valid_utf8("Grüße 世界 🌍"));
    for (const char* text :
         {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"})
        EXPECT_FALSE(json::valid_utf8(text));
}

TEST(Json, ListsElements) {
    const auto array = json::parse("[1, [2], \"3\"]");
    const auto elements = json::elements(*array);
    ASSERT_EQ(elements.size(), 3u);
    EXPECT_EQ(elements[1].text, "[2]");
    json::Walk of_none(*json::parse("1"));
    json::Member none;
    EXPECT_FALSE(of_none.next(none));
    EXPECT_TRUE(json::elements(*json::parse("{}")).empty());
    EXPECT_TRUE(json::members(*array).empty());
}

}  // namespace
}  // namespace pgrest

// The type of a cast is the one part of a request that is written into SQL as it stands.
#include <gtest/gtest.h>

#include "api/parse.h"
#include "http/error.h"

namespace pgrest::api {
namespace {

std::string cast(const std::string& type) {
    try {
        const auto items = parse_select("a::" + type);
        return std::get<SelectColumn>(items.front().value).cast.value_or("none");
    } catch (const http::Failure& failure) {
        return failure.error().code;
    }
}

TEST(Cast, TakesWordsOfTypes) {
    EXPECT_EQ(cast("int"), "int");
    EXPECT_EQ(cast(" double precision "), "double precision");
    EXPECT_EQ(cast("_int4"), "_int4");
    EXPECT_EQ(cast("my$type"), "my$type");
}

TEST(Cast, TakesNothingThatCouldBeMoreThanAName) {
    for (const char* type : {"int[]", "numeric(10,2)", "\"a\"", "a'b", "a;b", "a--b"})
        EXPECT_EQ(cast(type), "PGRST100") << type;
}

// $$ and $tag$ begin a constant that would swallow SQL up to the next such cast.
TEST(Cast, TakesNoDollarThatBeginsAConstant) {
    for (const char* type : {"$$", "$a$", "int $$", "1$$", "$1", "int 1$a$"})
        EXPECT_EQ(cast(type), "PGRST100") << type;
}

}  // namespace
}  // namespace pgrest::api

// Names that PostgreSQL would cut.
#include <gtest/gtest.h>

#include "sql/long_name.h"

using pgrest::sql::long_name;

TEST(LongName, IsFoundWhereverItIsReferredTo) {
    EXPECT_EQ(long_name(R"(SELECT "abcd" FROM "t")", 3), "abcd");
    EXPECT_EQ(long_name(R"(SELECT "t"."abc" AS "abcd", "t"."abcde" FROM "t")", 3), "abcde");
    EXPECT_EQ(long_name(R"(SELECT "a""bc")", 3), R"(a"bc)");
    EXPECT_EQ(long_name(R"(SELECT 'it''s "no name"', "abcd")", 3), "abcd");
    EXPECT_EQ(long_name(R"(SELECT "abcd)", 3), "abcd");
}

TEST(LongName, IsNoneThatFitsOrIsNew) {
    EXPECT_EQ(long_name(R"(SELECT "abc", "a""b", 'abcdef', $1 FROM "t" AS "abcdef")", 3), std::nullopt);
    EXPECT_EQ(long_name(R"(SELECT E'a\\', "abc", 'abcd')", 3), std::nullopt);
    EXPECT_EQ(long_name("", 3), std::nullopt);
}

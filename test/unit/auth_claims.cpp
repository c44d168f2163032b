// The claims that the server looks at (RFC 7519 section 4.1): time, audience, types, and the order of the checks.
#include "tokens.h"

namespace pgrest {
namespace {

std::string claims(const std::string& payload, const char* audience = "") {
    return refused(bearer(signed_token(payload)), {{"jwt_aud", audience}});
}
std::string at(const char* claim, std::int64_t offset) {
    return std::string("{\"") + claim + "\":" + std::to_string(kNow + offset) + "}";
}

TEST(Claims, HoldToTheSecond) {
    EXPECT_EQ(claims(at("exp", -30)), "");
    EXPECT_EQ(claims(at("exp", -31)), "PGRST303");
    EXPECT_EQ(claims(at("nbf", 30)), "");
    EXPECT_EQ(claims(at("nbf", 31)), "PGRST303");
    EXPECT_EQ(claims(at("iat", 30)), "");
    EXPECT_EQ(claims(at("iat", 31)), "PGRST303");
}

TEST(Claims, OfOddNumbersCountAsZero) {
    for (const char* number : {"1.5", "1e300", "99999999999999999999", "0.1e1000"}) {
        EXPECT_EQ(claims(std::string("{\"exp\":") + number + "}"), "PGRST303") << number;
        EXPECT_EQ(claims(std::string("{\"nbf\":") + number + "}"), "") << number;
    }
    EXPECT_EQ(claims(R"({"exp":4102444800.0})"), "");
    EXPECT_EQ(claims(R"({"exp":null,"nbf":null,"iat":null,"aud":null})"), "");
}

TEST(Claims, OfWrongTypesAreRefused) {
    for (const char* payload : {R"({"exp":"1"})", R"({"nbf":true})", R"({"iat":[]})", R"({"aud":5})", R"({"aud":[1]})",
                                R"([])", R"("x")", "5", "", "{"})
        EXPECT_EQ(claims(payload), "PGRST303") << payload;
}

TEST(Claims, NameTheAudience) {
    EXPECT_EQ(claims(R"({"aud":"a"})", "a"), "");
    EXPECT_EQ(claims(R"({"aud":["b","a"]})", "a"), "");
    EXPECT_EQ(claims(R"({})", "a"), "");
    EXPECT_EQ(claims(R"({"aud":[]})", "a"), "");
    EXPECT_EQ(claims(R"({"aud":""})", "a"), "PGRST303");
    EXPECT_EQ(claims(R"({"aud":"A"})", "a"), "PGRST303");
    EXPECT_EQ(claims(R"({"aud":["b"]})", "a"), "PGRST303");
    EXPECT_EQ(claims(R"({"aud":"b"})"), "");
}

TEST(Claims, ReachSqlAsTheyWereSent) {
    const std::string sent = R"({"role":"clerk","n":123456789012345678901234,"x":1e400,"u":"\u00e9"})";
    const std::string seen = identity(bearer(signed_token(sent))).claims;
    EXPECT_NE(seen.find("123456789012345678901234"), std::string::npos);
    EXPECT_NE(seen.find("1e400"), std::string::npos);
    EXPECT_EQ(identity({}).claims, R"({"role":"anon"})");
}

std::string message(const std::string& payload, const char* audience = "") {
    try {
        identity(bearer(signed_token(payload)), {{"jwt_aud", audience}});
    } catch (const http::Failure& failure) {
        return failure.error().message;
    }
    return "accepted";
}

TEST(Claims, AreCheckedInOrder) {
    const std::string past = R"("exp":1)";
    const std::string future = R"("nbf":4102444800,"iat":4102444800)";
    const std::string audience = R"("aud":"other")";
    const std::string expired = message("{" + past + "}");
    const std::string not_yet = message(R"({"nbf":4102444800})");
    const std::string from_future = message(R"({"iat":4102444800})");
    const std::string other = message("{" + audience + "}", "mine");
    EXPECT_EQ(message("{" + audience + "," + future + "," + past + "}", "mine"), expired);
    EXPECT_EQ(message("{" + audience + "," + future + "}", "mine"), not_yet);
    EXPECT_EQ(message("{" + audience + R"(,"iat":4102444800})", "mine"), from_future);
    for (const std::string& one : {not_yet, from_future, other})
        EXPECT_NE(one, expired);
    // a wrong type is a fault of its claim, at that claim's place in the order
    EXPECT_EQ(message(R"({"aud":5,"iat":"x","nbf":"x","exp":1})"), expired);
    EXPECT_EQ(message(R"({"aud":5,"iat":"x","nbf":4102444800})"), not_yet);
    EXPECT_NE(message(R"({"aud":5,"iat":"x"})").find("iat"), std::string::npos);
    EXPECT_NE(message(R"({"aud":5})").find("aud"), std::string::npos);
}

TEST(Claims, AreCheckedAlthoughNoRoleIsNamed) {
    EXPECT_EQ(claims(R"({"exp":1})"), "PGRST303");
    EXPECT_EQ(claims(R"({"sub":"x"})"), "");
}

// read from the text: a double would round these
TEST(Claims, AreWholeNumbersHoweverTheyAreWritten) {
    const auto exp = [](const char* number) { return claims(std::string(R"({"exp":)") + number + "}"); };
    for (const char* future : {"4102444800", "4102444800.0", "4102444800.000", "4.1024448e9", "4.1024448E+9",
                               "41024448e2", "410244480000e-2", "9223372036854775807", "9223372036854775807.0",
                               "922337203685477580.7e1", "0.00041024448e13"})
        EXPECT_EQ(exp(future), "") << future;
    for (const char* zero : {"4102444800.5", "4102444800.0000000000000000000000001", "9223372036854775808", "1e19",
                             "9223372036854775807.5", "9007199254740993.5", "1e400", "1e99999999999999999999", "-1e400",
                             "1e-400", "41024448005e-1", "0", "-0", "0.0", "0e99999999999999999999"})
        EXPECT_EQ(exp(zero), "PGRST303") << zero;
    // a number that counts as 0 is no future
    EXPECT_EQ(claims(R"({"nbf":1e400,"iat":4102444800.5})"), "");
    EXPECT_EQ(claims(R"({"nbf":-9223372036854775808})"), "");
    EXPECT_EQ(claims(R"({"exp":-9223372036854775808})"), "PGRST303");
}

TEST(Claims, OfRepeatedMembersTheFirstCounts) {
    EXPECT_EQ(claims(R"({"exp":1,"exp":4102444800})"), "PGRST303");
    EXPECT_EQ(claims(R"({"exp":4102444800,"exp":1})"), "");
    EXPECT_EQ(claims(R"({"exp":4102444800,"\u0065xp":1})"), "");
    EXPECT_EQ(claims(R"({"aud":"a","aud":"b"})", "b"), "PGRST303");
    EXPECT_EQ(claims(R"({"exp":null,"exp":1})"), "");
    const auth::Identity who = identity(bearer(signed_token(R"({"role":"clerk","role":"root","a":1,"a":2})")));
    EXPECT_EQ(who.role, "clerk");
    EXPECT_EQ(who.claims, R"({"a":1,"role":"clerk"})");
}

TEST(Claims, SqlSeesNoRepeatedMemberAtAnyDepth) {
    const auto seen = [](const std::string& value) {
        return identity(bearer(signed_token("{\"a\":" + value + "}"))).claims;
    };
    const auto expected = [](const std::string& value) { return "{\"a\":" + value + R"(,"role":"anon"})"; };
    EXPECT_EQ(seen(R"({"x":1,"x":2})"), expected(R"({"x":1})"));
    EXPECT_EQ(seen(R"({"x":1 , "y":2 , "x":3 , "z":4})"), expected(R"({"x":1 , "y":2 , "z":4})"));
    EXPECT_EQ(seen(R"([{"x":{"y":1,"y":[{"z":1}]}},{"x":{}}])"), expected(R"([{"x":{"y":1}},{"x":{}}])"));
    EXPECT_EQ(seen(R"({"x":[{"y":1,"\u0079":2,"y":3}],"x":{"q":"}"}})"), expected(R"({"x":[{"y":1}]})"));
    EXPECT_EQ(seen(R"({"":1,"":2})"), expected(R"({"":1})"));
    EXPECT_EQ(seen(R"([ 1 , "two" , {} , [ ] , null ])"), expected(R"([ 1 , "two" , {} , [ ] , null ])"));
}

TEST(Claims, MayBeNestedSoFar) {
    const auto nested = [](int depth) {
        return claims(R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}");
    };
    EXPECT_EQ(nested(json::kMaxDepth - 1), "");
    EXPECT_EQ(nested(json::kMaxDepth), "PGRST303");
    EXPECT_EQ(nested(100000), "PGRST303");
}

TEST(Claims, OfOtherTypesAreRefusedWithoutBeingChecked) {
    for (const char* value : {"5", "true", "{}", "[null]", R"(["a",5])", R"([["a"]])"}) {
        EXPECT_EQ(claims(std::string(R"({"aud":)") + value + "}"), "PGRST303") << value;
        EXPECT_EQ(claims(std::string(R"({"aud":)") + value + "}", "a"), "PGRST303") << value;
    }
    for (const char* claim : {"exp", "nbf", "iat"})
        for (const char* value : {"\"4102444800\"", "true", "[]", "{}"})
            EXPECT_EQ(claims(std::string("{\"") + claim + "\":" + value + "}"), "PGRST303") << claim << value;
}

TEST(Claims, OtherOnesMayBeAnything) {
    EXPECT_EQ(claims(R"({"iss":5,"sub":[],"jti":{},"EXP":"never","Exp":1})"), "");
}

}  // namespace
}  // namespace pgrest

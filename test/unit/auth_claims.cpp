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

std::string at(const char* claim, std::int64_t offset, const char* fraction) {
    return std::string("{\"") + claim + "\":" + std::to_string(kNow + offset) + fraction + "}";
}

TEST(Claims, WithFractionsAreComparedAsTheyAre) {
    EXPECT_EQ(claims(at("exp", 3600, ".25")), "");
    EXPECT_EQ(claims(at("exp", -30, ".000")), "");
    EXPECT_EQ(claims(at("exp", -31, ".999")), "PGRST303");
    EXPECT_EQ(claims(at("nbf", 3600, ".5")), "PGRST303");
    for (const char* claim : {"nbf", "iat"}) {
        EXPECT_EQ(claims(at(claim, 29, ".999")), "") << claim;
        EXPECT_EQ(claims(at(claim, 30, ".00")), "") << claim;
        EXPECT_EQ(claims(at(claim, 30, ".0001")), "PGRST303") << claim;
    }
    EXPECT_EQ(claims(R"({"exp":1.7000000000000001e9})"), "");
    EXPECT_EQ(claims(R"({"nbf":1700000030000e-3})"), "");
    EXPECT_EQ(claims(R"({"nbf":1700000030001E-3})"), "PGRST303");
    for (const char* number : {"0", "-0.0", "1.5", "-0.5", "1e-400", "0e400", "-1e400"}) {
        EXPECT_EQ(claims(std::string("{\"exp\":") + number + "}"), "PGRST303") << number;
        EXPECT_EQ(claims(std::string("{\"nbf\":") + number + "}"), "") << number;
    }
}

TEST(Claims, BeyondEveryTimeAreTheFarFutureOrThePast) {
    for (const char* number : {"1e300", "99999999999999999999", "9223372036854775807", "9223372036854775807.5",
                               "0.1e1000", "1e99999999999999999999"}) {
        EXPECT_EQ(claims(std::string("{\"exp\":") + number + "}"), "") << number;
        EXPECT_EQ(claims(std::string("{\"exp\":-") + number + "}"), "PGRST303") << number;
        EXPECT_EQ(claims(std::string("{\"nbf\":") + number + "}"), "PGRST303") << number;
        EXPECT_EQ(claims(std::string("{\"nbf\":-") + number + "}"), "") << number;
        EXPECT_EQ(claims(std::string("{\"iat\":") + number + "}"), "PGRST303") << number;
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
    EXPECT_EQ(expired, "JWT expired");  // read by applications
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
TEST(Claims, AreNumbersHoweverTheyAreWritten) {
    const auto exp = [](const char* number) { return claims(std::string(R"({"exp":)") + number + "}"); };
    for (const char* future :
         {"4102444800", "4102444800.0", "4102444800.000", "4.1024448e9", "4.1024448E+9", "41024448e2",
          "410244480000e-2", "0.00041024448e13", "41024448005e-1", "4102444800.0000000000000000000000001",
          "9007199254740993.5", "1699999970", "1699999970.0000000000000000000000001"})
        EXPECT_EQ(exp(future), "") << future;
    for (const char* past : {"1699999969.9999999999999999999999999", "16999999699e-1", "-1e400", "1e-400", "-0", "0.0",
                             "0e99999999999999999999", "-4102444800"})
        EXPECT_EQ(exp(past), "PGRST303") << past;
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

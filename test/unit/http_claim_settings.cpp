// Which claims become settings.
#include <gtest/gtest.h>

#include "http/claim_settings.h"

namespace pgrest::http {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

TEST(ClaimSettings, AreInOrderOfTheirNames) {
    EXPECT_EQ(
        claim_settings(R"({"b":"x","a":[1, 2],"B":true})"),
        (Settings{{"request.jwt.claim.B", "true"}, {"request.jwt.claim.a", "[1,2]"}, {"request.jwt.claim.b", "x"}}));
}

TEST(ClaimSettings, LeaveOutWhatCanBeNoSetting) {
    EXPECT_EQ(claim_settings(R"({"a b":1,"":1,"1a":1,"a.":1,"n":null,"z":"\u0000","a.b":1})"),
              (Settings{{"request.jwt.claim.a.b", "1"}}));
}

TEST(ClaimSettings, TakeTheFirstOfARepeatedClaim) {
    EXPECT_EQ(claim_settings(R"({"a":1,"a":2,"b":null,"b":"x","c":"\u0000","c":"y"})"),
              (Settings{{"request.jwt.claim.a", "1"}}));
}

}  // namespace
}  // namespace pgrest::http

// The examples of RFC 7517 appendix A, RFC 7520 section 4, RFC 8032 section 7.4 and RFC 8037 appendix A. Those of RFC
// 7515 are in auth_tokens.cpp.
#include "tokens.h"

namespace pgrest {
namespace {

using Outcome = auth::KeySet::Outcome;

// ---------------------------------------------------------------- RFC 7520
constexpr const char* kRsa =
    R"({"kty":"RSA","kid":"bilbo.baggins@hobbiton.example","use":"sig","n":"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd)"
    R"(4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ)"
    R"(6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwu)"
    R"(CLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw","e":"AQAB"})";
constexpr const char* kEc =
    R"({"kty":"EC","kid":"bilbo.baggins@hobbiton.example","use":"sig","crv":"P-521",)"
    R"("x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",)"
    R"("y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"})";
constexpr const char* kOct = R"({"kty":"oct","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037","use":"sig","alg":"HS256",)"
                             R"("k":"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"})";

constexpr const char* kText =
    "It\xe2\x80\x99s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep "
    "your "
    "feet, there\xe2\x80\x99s no knowing where you might be swept off to.";

struct Cookbook {
    const char* section;
    const char* algorithm;
    const char* kid;
    const char* jwk;
    const char* signature;
};

const Cookbook kCookbook[] = {
    {"4.1", "RS256", "bilbo.baggins@hobbiton.example", kRsa,
     "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-"
     "BDkoBwA7818"
     "5hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_"
     "qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_"
     "de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"},
    {"4.2", "PS384", "bilbo.baggins@hobbiton.example", kRsa,
     "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_"
     "1OLPpcbUrhi"
     "USMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_"
     "ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2X"
     "ez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"},
    {"4.3", "ES512", "bilbo.baggins@hobbiton.example", kEc,
     "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_"
     "sDDyYjnAMDxXPn7X"
     "rT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"},
    {"4.4", "HS256", "018c0ae5-4d9b-471b-bfd6-eef314bc7037", kOct, "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"},
};

TEST(Vectors, OfRfc7520AreVerified) {
    const std::string set = std::string(R"({"keys":[)") + kOct + "," + kEc + "," + kRsa + "]}";
    for (const Cookbook& example : kCookbook) {
        const std::string header =
            std::string(R"({"alg":")") + example.algorithm + R"(","kid":")" + example.kid + "\"}";
        const std::string token =
            auth::base64url_encode(header) + "." + auth::base64url_encode(kText) + "." + example.signature;
        EXPECT_EQ(verify(example.jwk, token, example.algorithm, example.kid), Outcome::Verified) << example.section;
        EXPECT_EQ(verify(set, token, example.algorithm, example.kid), Outcome::Verified) << example.section;
        EXPECT_EQ(verify(set, token, example.algorithm, "another"), Outcome::NoKey) << example.section;
        // signed rightly, but the payload is no JSON object
        EXPECT_EQ(refused(bearer(token), {{"jwt_secret", set}}), "PGRST303") << example.section;
    }
}

// ---------------------------------------------------------------- RFC 7517
TEST(Vectors, OfRfc7517AreRead) {
    // A.1; the members n and x5c of the examples may be wrapped, these are not
    const auto set = keys(
        R"({"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
        R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},)"
        R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX)"
        R"(jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zg)"
        R"(dAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a)"
        R"(wapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}]})");
    ASSERT_TRUE(set);
    EXPECT_EQ(set->verify("ES256", "1", "data", std::string(64, '\1')), Outcome::NoKey);
    EXPECT_EQ(set->verify("RS256", "2011-04-29", "data", std::string(256, '\1')), Outcome::WrongSignature);
    EXPECT_EQ(set->verify("RS512", "2011-04-29", "data", std::string(256, '\1')), Outcome::NoKey);
    // A.2, the first key, signs what its public half verifies
    const std::string token =
        auth::sign("{}",
                   R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                   R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",)"
                   R"("d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"sig","kid":"1"})",
                   "ES256");
    EXPECT_EQ(verify(R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                     R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})",
                     token, "ES256"),
              Outcome::Verified);
    // A.3: a key for wrapping is no key for tokens, the other is
    const auto symmetric = keys(
        R"({"keys":[{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"},)"
        R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",)"
        R"("kid":"HMAC key used in JWS spec Appendix A.1 example"}]})");
    EXPECT_EQ(symmetric->verify("HS256", "HMAC key used in JWS spec Appendix A.1 example", "data", "x"),
              Outcome::WrongSignature);
    EXPECT_EQ(symmetric->verify("HS256", "another", "data", "x"), Outcome::NoKey);
}

// ---------------------------------------------------------------- RFC 8037, RFC 8032
std::string signature_with(const std::string& jwk, const std::string& data) {
    const auto set = std::get<std::shared_ptr<const auth::KeySet>>(auth::KeySet::parse(jwk, auth::Half::Private));
    const auth::Algorithm& eddsa = *auth::find_algorithm("EdDSA");
    return auth::base64url_encode(set->signing_key(eddsa)->sign(eddsa, data).value_or(""));
}

TEST(Vectors, OfRfc8037AreSigned) {
    const std::string jwk = R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
                            R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
    EXPECT_EQ(signature_with(jwk, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"),
              "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

std::string from_hex(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    return out;
}

// "Blank": the empty text
TEST(Vectors, OfRfc8032ForEd448AreVerified) {
    const std::string point = from_hex(
        "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe825"
        "6180");
    const std::string signature = from_hex(
        "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d7828c59bd0a21bfd"
        "3980"
        "ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4dbb61149f05a7363268c71d95808ff2e65"
        "2600");
    const auto set = keys(R"({"kty":"OKP","crv":"Ed448","x":")" + auth::base64url_encode(point) + "\"}");
    ASSERT_TRUE(set);
    EXPECT_EQ(set->verify("EdDSA", {}, "", signature), Outcome::Verified);
    EXPECT_EQ(set->verify("EdDSA", {}, "x", signature), Outcome::WrongSignature);
}

}  // namespace
}  // namespace pgrest

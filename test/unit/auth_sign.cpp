// What SQL signs and verifies, with every algorithm.
#include "../generated_keys.h"
#include "tokens.h"

namespace pgrest {
namespace {

struct Pair {
    const char* algorithm;
    std::string jwk;
};

const std::vector<Pair>& pairs() {
    static const std::string rsa = test::rsa_key();
    static const std::string secret = test::oct_key();
    static const std::vector<Pair> all = {
        {"HS256", secret},
        {"HS384", secret},
        {"HS512", secret},
        {"RS256", rsa},
        {"RS384", rsa},
        {"RS512", rsa},
        {"PS256", rsa},
        {"PS384", rsa},
        {"PS512", rsa},
        {"ES256", test::ec_key("P-256")},
        {"ES384", test::ec_key("P-384")},
        {"ES512", test::ec_key("P-521")},
        {"EdDSA", test::okp_key("Ed25519")},
        {"EdDSA", test::okp_key("Ed448")},
    };
    return all;
}

// The public half alone.
std::string without_private(const std::string& jwk) {
    const auto object = json::parse(jwk);
    std::string out;
    for (const json::Member& member : json::members(*object)) {
        if (member.key.size() <= 2 && std::string("d p q dp dq qi").find(member.key) != std::string::npos) continue;
        out += (out.empty() ? "{\"" : ",\"") + member.key + "\":" + std::string(member.value.text);
    }
    return out + "}";
}

TEST(Sign, EveryAlgorithmRoundTrips) {
    for (const Pair& pair : pairs()) {
        const std::string token = auth::sign(R"({"role":"clerk"})", pair.jwk, pair.algorithm);
        EXPECT_TRUE(auth::verify(token, pair.jwk, pair.algorithm).valid) << pair.algorithm;
        EXPECT_TRUE(auth::verify(token, without_private(pair.jwk), pair.algorithm).valid) << pair.algorithm;
        EXPECT_EQ(identity(bearer(token), {{"jwt_secret", without_private(pair.jwk)}}).role, "clerk") << pair.algorithm;
        EXPECT_EQ(auth::verify(token, pair.jwk, pair.algorithm).header,
                  std::string(R"({"alg":")") + pair.algorithm + R"(","typ":"JWT"})");
    }
}

TEST(Sign, AKeyOfEachKindVerifiesItsOwnOnly) {
    for (const Pair& signer : pairs()) {
        const std::string token = auth::sign("{}", signer.jwk, signer.algorithm);
        for (const Pair& other : pairs()) {
            if (other.jwk == signer.jwk) continue;
            EXPECT_FALSE(auth::verify(token, other.jwk, other.algorithm).valid)
                << signer.algorithm << " as " << other.algorithm;
        }
    }
}

TEST(Sign, NamesTheKey) {
    const std::string first = test::with(test::ec_key("P-256"), R"("kid":"one \"1\"")");
    const std::string second = test::with(test::ec_key("P-256"), R"("kid":"2")");
    const std::string set = R"({"keys":[)" + test::rsa_key() + "," + first + "," + second + "]}";
    const std::string token = auth::sign("{}", set, "ES256");
    const auth::Verified verified = auth::verify(token, set, "ES256");
    EXPECT_TRUE(verified.valid);
    EXPECT_EQ(verified.header, R"({"alg":"ES256","typ":"JWT","kid":"one \"1\""})");
    EXPECT_FALSE(auth::verify(token, second, "ES256").valid);
}

TEST(Sign, TakesTheFirstKeyThatCan) {
    const std::string shown = test::with(without_private(test::ec_key("P-256")), R"("kid":"shown")");
    const std::string sealing = test::with(test::ec_key("P-256"), R"("kid":"sealing","use":"enc")");
    const std::string own = test::with(test::ec_key("P-256"), R"("kid":"own")");
    const std::string set = R"({"keys":[)" + shown + "," + sealing + "," + own + "]}";
    const std::string header = auth::verify(auth::sign("{}", set, "ES256"), set, "ES256").header;
    EXPECT_NE(header.find(R"("kid":"own")"), std::string::npos) << header;
}

TEST(Sign, WorksWithoutTheFactorsOfAnRsaKey) {
    const auto object = json::parse(pairs()[3].jwk);
    std::string jwk = R"({"kty":"RSA")";
    for (const char* name : {"n", "e", "d"})
        jwk += std::string(",\"") + name + "\":" + std::string(json::member(*object, name)->text);
    const std::string token = auth::sign("{}", jwk + "}", "RS256");
    EXPECT_TRUE(auth::verify(token, pairs()[3].jwk, "RS256").valid);
}

TEST(Sign, ATextSignsWithEveryHmac) {
    for (const char* algorithm : {"HS256", "HS384", "HS512"}) {
        const std::string token = auth::sign(R"({"a":1})", "secret", algorithm);
        const auth::Verified verified = auth::verify(token, "secret", algorithm);
        EXPECT_TRUE(verified.valid);
        EXPECT_EQ(verified.payload, R"({"a":1})");
        EXPECT_FALSE(auth::verify(token, "other", algorithm).valid);
    }
}

TEST(Sign, RefusesWhatCannotSign) {
    const auto refusal = [](const std::string& secret, const char* algorithm) -> std::string {
        try {
            return "signed: " + auth::sign("{}", secret, algorithm);
        } catch (const std::invalid_argument& problem) {
            return problem.what();
        }
    };
    for (const char* algorithm : {"none", "", "hs256", "ES256K", "A128KW"})
        EXPECT_EQ(refusal("secret", algorithm).substr(0, 17), "unknown algorithm") << algorithm;
    EXPECT_EQ(refusal("secret", "RS256"), "the secret holds no key that signs RS256");
    EXPECT_EQ(refusal(without_private(test::ec_key("P-256")), "ES256"), "the secret holds no key that signs ES256");
    EXPECT_EQ(refusal(test::ec_key("P-256"), "ES384"), "the secret holds no key that signs ES384");
    EXPECT_EQ(refusal(test::ec_key("P-256"), "HS256"), "the secret holds no key that signs HS256");
    EXPECT_EQ(refusal(test::with(test::oct_key(), R"("alg":"HS512")"), "HS256"),
              "the secret holds no key that signs HS256");
    EXPECT_EQ(refusal(R"({"kty":"oct"})", "HS256"), "the secret: a key of type oct has no readable k");
    EXPECT_THROW(auth::verify("a.b", "secret", "HS256"), std::invalid_argument);
}

TEST(Verify, NeverTakesAPublicKeyForASecret) {
    const std::string jwk = without_private(pairs()[3].jwk);
    const std::string part = auth::base64url_encode(R"({"alg":"HS256"})") + "." + auth::base64url_encode("{}");
    const std::string forged = part + "." + auth::base64url_encode(auth::hmac_sha2(256, jwk, part));
    EXPECT_FALSE(auth::verify(forged, jwk, "HS256").valid);
}

}  // namespace
}  // namespace pgrest

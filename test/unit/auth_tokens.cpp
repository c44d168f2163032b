// Tokens: the examples of the RFCs, keys, and what is refused.
#include <gtest/gtest.h>

#include "tokens.h"

namespace pgrest {
namespace {

// ---------------------------------------------------------------- base64url
TEST(Base64Url, EncodesAsRfc7515AppendixC) {
    EXPECT_EQ(auth::base64url_encode("\x03\xec\xff\xe0\xc1"), "A-z_4ME");
    EXPECT_EQ(auth::base64url_decode("A-z_4ME"), "\x03\xec\xff\xe0\xc1");
    EXPECT_EQ(auth::base64url_encode(""), "");
}

TEST(Base64Url, IsStrict) {
    for (const char* text : {"A", "AA==", "A+z/4ME", "A-z_4MF", "AA AA", "AA\n", "AAAAA", "Ä"})
        EXPECT_FALSE(auth::base64url_decode(text)) << text;
}

TEST(Base64Url, SecretsMayHaveEitherAlphabet) {
    EXPECT_EQ(auth::decode_secret(" A+z/4ME= \n"), "\x03\xec\xff\xe0\xc1");
    EXPECT_EQ(auth::decode_secret("A-z_4ME."), "\x03\xec\xff\xe0\xc1");
    EXPECT_FALSE(auth::decode_secret("A-z_4ME"));
    EXPECT_FALSE(auth::decode_secret("not base64!"));
}

TEST(Hmac, IsThatOfRfc4231) {
    // test case 2
    std::string hex;
    for (const unsigned char c : auth::hmac_sha2(256, "Jefe", "what do ya want for nothing?")) {
        char text[3];
        std::snprintf(text, sizeof text, "%02x", c);
        hex += text;
    }
    EXPECT_EQ(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_TRUE(auth::equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(auth::equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(auth::equal_in_constant_time("abc", "ab"));
}

// ---------------------------------------------------------------- keys
struct Example {
    const char* what;
    const char* algorithm;
    const char* jwk;
    const char* token;
};

// RFC 7515 appendices A.1 to A.4, RFC 8037 appendix A.4.
const Example kExamples[] = {
    {"HS256", "HS256",
     R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RS256", "RS256",
     R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})",
     "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
     "fQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
     "O8W2Fp5jujGbds9uJdbF9CUAr7t"
     "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--"
     "xi12jzDwu"
     "sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
     "IoypGlUPQGe77Rw"},
    {"ES256", "ES256",
     R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
     "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
     "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"ES512", "ES512",
     R"({"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"})",
     "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-"
     "KGDKB34XO0aw_"
     "7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
    {"EdDSA", "EdDSA", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

TEST(KeySet, VerifiesTheExamplesOfTheRfcs) {
    for (const Example& example : kExamples)
        EXPECT_EQ(verify(example.jwk, example.token, example.algorithm), auth::KeySet::Outcome::Verified)
            << example.what;
}

TEST(KeySet, RefusesOneChangedByte) {
    for (const Example& example : kExamples) {
        std::string token = example.token;
        token[token.find('.') + 3] ^= 1;
        EXPECT_EQ(verify(example.jwk, token, example.algorithm), auth::KeySet::Outcome::WrongSignature) << example.what;
    }
}

TEST(KeySet, AKeySuitsItsOwnAlgorithmsOnly) {
    for (const Example& example : kExamples)
        for (const char* algorithm : {"HS256", "RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"}) {
            if (std::string(algorithm) == example.algorithm) continue;
            EXPECT_NE(verify(example.jwk, example.token, algorithm), auth::KeySet::Outcome::Verified)
                << example.what << " as " << algorithm;
        }
}

TEST(KeySet, ChoosesByKidUseAndAlg) {
    const char* token = kExamples[0].token;
    const std::string k =
        R"("kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")";
    using Outcome = auth::KeySet::Outcome;
    EXPECT_EQ(verify("{" + k + R"(,"kid":"1"})", token, "HS256", "1"), Outcome::Verified);
    EXPECT_EQ(verify("{" + k + R"(,"kid":"1"})", token, "HS256"), Outcome::Verified);
    EXPECT_EQ(verify("{" + k + R"(,"kid":"1"})", token, "HS256", "2"), Outcome::NoKey);
    EXPECT_EQ(verify("{" + k + "}", token, "HS256", "1"), Outcome::NoKey);
    EXPECT_EQ(verify("{" + k + R"(,"use":"enc"})", token, "HS256"), Outcome::NoKey);
    EXPECT_EQ(verify("{" + k + R"(,"use":"sig"})", token, "HS256"), Outcome::Verified);
    EXPECT_EQ(verify("{" + k + R"(,"alg":"HS384"})", token, "HS256"), Outcome::NoKey);
    EXPECT_EQ(verify(R"({"keys":[{"kty":"oct","k":"AAAA"},{)" + k + "}]}", token, "HS256"), Outcome::Verified);
    EXPECT_EQ(verify(R"({"keys":[{"kty":"future"}]})", token, "HS256"), Outcome::NoKey);
}

TEST(KeySet, ATextIsForHs256Only) {
    const std::string token = auth::sign("{}", kSecret, "HS512");
    EXPECT_EQ(verify(kSecret, token, "HS512"), auth::KeySet::Outcome::NoKey);
    EXPECT_EQ(verify(kSecret, auth::sign("{}", kSecret, "HS256"), "HS256"), auth::KeySet::Outcome::Verified);
    EXPECT_TRUE(keys("short")->is_short_secret());
    EXPECT_FALSE(keys(kSecret)->is_short_secret());
}

TEST(KeySet, TellsTheLengthOfItsShortestSecret) {
    EXPECT_EQ(keys("short")->shortest_secret(), 5U);
    const std::string ed = R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
    EXPECT_EQ(keys(ed)->shortest_secret(), std::nullopt);
    EXPECT_EQ(
        keys(R"({"keys":[{"kty":"oct","k":"AAAAAAAA"},)" + ed + R"(,{"kty":"oct","k":"AAAA"}]})")->shortest_secret(),
        3U);
}

TEST(KeySet, RefusesDerAndOddLengths) {
    const Example& ec = kExamples[2];
    const std::string token = ec.token;
    const std::string signed_part = token.substr(0, token.rfind('.'));
    const auto outcome = [&](const std::string& signature) {
        return keys(ec.jwk)->verify("ES256", {}, signed_part, signature);
    };
    const std::string right = *auth::base64url_decode(token.substr(token.rfind('.') + 1));
    for (const std::string& wrong :
         {std::string(), right.substr(1), right + '\0', std::string(64, '\0'), std::string(32, '\0') + right.substr(32),
          right.substr(0, 32) + std::string(32, '\0'), std::string(64, '\xff'), "\x30\x44\x02\x20" + right})
        EXPECT_EQ(outcome(wrong), auth::KeySet::Outcome::WrongSignature) << wrong.size();
}

TEST(KeySet, RefusesConfigurationsThatLookLikeKeys) {
    for (const char* secret : {R"({"kty":"oct")", R"({"kty":"oct"})", R"({"kty":"RSA","n":"AQ"})", R"({"keys":5})",
                               R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})"})
        EXPECT_TRUE(std::holds_alternative<std::string>(auth::KeySet::parse(secret))) << secret;
}

// ---------------------------------------------------------------- the header and the whole way
TEST(Authenticate, WithoutATokenIsAnonymous) {
    for (const http::Headers& headers :
         {http::Headers{}, http::Headers{{"Authorization", ""}}, http::Headers{{"Authorization", "Basic YTpi"}},
          http::Headers{{"Authorization", "Bearerish x"}}}) {
        const auth::Identity who = identity(headers);
        EXPECT_EQ(who.role, "anon");
        EXPECT_FALSE(who.authenticated);
    }
    EXPECT_EQ(refused({}, {{"db_anon_role", ""}}), "PGRST302");
}

TEST(Authenticate, TakesTheRoleOfTheToken) {
    const auth::Identity who = identity(bearer(signed_token(R"({"role":"clerk","n":1})")));
    EXPECT_EQ(who.role, "clerk");
    EXPECT_TRUE(who.authenticated);
    EXPECT_EQ(identity(bearer(signed_token(R"({"n":1})"))).role, "anon");
    EXPECT_EQ(identity(bearer(signed_token(R"({"role":42})"))).role, "42");
    EXPECT_EQ(identity({{"authorization", "bEaReR \t " + signed_token(R"({"role":"clerk"})")}}).role, "clerk");
    EXPECT_EQ(identity(bearer(signed_token(R"({"a":{"b":["x","y"]}})")), {{"jwt_role_claim_key", "$.a.b[1]"}}).role,
              "y");
}

TEST(Authenticate, RefusesWhatIsNoToken) {
    const std::string right = signed_token(R"({"role":"clerk"})");
    for (const std::string& token :
         {std::string(), std::string("x"), std::string("a.b"), right + ".x", right + "=", right + " x",
          right.substr(0, right.size() - 1), std::string("..."), std::string(1000, '.')})
        EXPECT_EQ(refused(bearer(token)), "PGRST301") << token;
    EXPECT_EQ(refused({{"Authorization", "Bearer"}}), "PGRST301");
}

TEST(Authenticate, RefusesHeadersOfTokens) {
    for (const char* header : {R"({"alg":"none"})",
                               R"({"alg":"None"})",
                               R"({"alg":"NONE"})",
                               R"({"alg":"nOnE"})",
                               R"({"alg":"hs256"})",
                               R"({"alg":""})",
                               R"({"alg":"RS256"})",
                               R"({"alg":"ES256K"})",
                               R"({"alg":5})",
                               R"({})",
                               R"([])",
                               R"("HS256")",
                               R"({"alg":"HS256")",
                               R"({"alg":"HS256","typ":5})",
                               R"({"alg":"HS256","cty":{}})",
                               R"({"alg":"HS256","kid":1})",
                               R"({"alg":"HS256","kid":"x"})",
                               R"({"alg":"HS256","enc":"A128GCM"})",
                               R"({"alg":"HS256","crit":["exp"]})",
                               R"({"alg":"HS256","crit":[]})",
                               R"({"alg":"none","alg":"HS256"})"})
        EXPECT_EQ(refused(bearer(raw_token(header, R"({"role":"clerk"})"))), "PGRST301") << header;
    const std::string unsigned_token =
        auth::base64url_encode(R"({"alg":"none"})") + "." + auth::base64url_encode(R"({"role":"clerk"})") + ".";
    EXPECT_EQ(refused(bearer(unsigned_token)), "PGRST301");
}

TEST(Authenticate, NeverLooksAtKeysInTheToken) {
    for (const char* header :
         {R"({"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}})", R"({"alg":"HS256","jku":"http://example.com/keys"})",
          R"({"alg":"HS256","x5u":"http://example.com/key"})", R"({"alg":"HS256","x5c":["AAAA"]})"})
        EXPECT_EQ(identity(bearer(raw_token(header, R"({"role":"clerk"})"))).role, "clerk") << header;
}

TEST(Authenticate, WithoutASecretNoTokenIsLookedAt) {
    EXPECT_EQ(refused(bearer(signed_token("{}")), {{"jwt_secret", ""}}), "PGRST300");
    EXPECT_EQ(refused({{"Authorization", "Bearer"}}, {{"jwt_secret", ""}}), "PGRST300");
}

TEST(Authenticate, AnswersWithAChallenge) {
    try {
        identity(bearer("x"));
        FAIL();
    } catch (const http::Failure& failure) {
        const http::Response answer = http::to_response(failure.error(), false);
        EXPECT_EQ(answer.status, 401);
        EXPECT_EQ(http::find_header(answer.headers, "WWW-Authenticate")->substr(0, 30),
                  "Bearer error=\"invalid_token\", ");
    }
}

TEST(Authenticate, ChecksTheTimeOfCachedTokens) {
    const auto settings = configured();
    auth::TokenCache cache;
    const http::Headers headers = bearer(signed_token(R"({"role":"clerk","exp":)" + std::to_string(kNow) + "}"));
    EXPECT_EQ(auth::authenticate(headers, *settings, cache, kNow).role, "clerk");
    EXPECT_EQ(auth::authenticate(headers, *settings, cache, kNow + 30).role, "clerk");
    EXPECT_EQ(code_of([&] { auth::authenticate(headers, *settings, cache, kNow + 31); }), "PGRST303");
    EXPECT_EQ(auth::authenticate(headers, *settings, cache, kNow).role, "clerk");
}

TEST(Authenticate, ForgetsTokensOfOtherKeys) {
    auth::TokenCache cache;
    const http::Headers headers = bearer(signed_token(R"({"role":"clerk"})"));
    EXPECT_EQ(auth::authenticate(headers, *configured(), cache, kNow).role, "clerk");
    const auto other = configured({{"jwt_secret", "another secret, which has 32 bytes or more as well"}});
    EXPECT_EQ(code_of([&] { auth::authenticate(headers, *other, cache, kNow); }), "PGRST301");
}

}  // namespace
}  // namespace pgrest

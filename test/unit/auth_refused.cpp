// Attacks on tokens, each by name: what is refused, and what is never looked at.
#include "../generated_keys.h"
#include "auth/small_order.h"
#include "tokens.h"

namespace pgrest {
namespace {

using Outcome = auth::KeySet::Outcome;

constexpr const char* kPayload = R"({"role":"clerk"})";

const std::string& rsa() {
    static const std::string key = test::rsa_key();
    return key;
}
const std::string& ec() {
    static const std::string key = test::ec_key("P-256");
    return key;
}
const std::string& ed25519() {
    static const std::string key = test::okp_key("Ed25519");
    return key;
}

std::string refused_with(const std::string& secret, const std::string& token) {
    return refused(bearer(token), {{"jwt_secret", secret}});
}

std::string refused_header(const std::string& header) {
    return refused(bearer(raw_token(header, kPayload)));
}

std::string data_of(const char* algorithm) {
    return auth::base64url_encode(std::string(R"({"alg":")") + algorithm + "\"}") + "." +
           auth::base64url_encode(kPayload);
}

std::string with_signature(const std::string& data, const std::string& signature) {
    return data + "." + auth::base64url_encode(signature);
}

std::string signature_of(const std::string& token) {
    return *auth::base64url_decode(token.substr(token.rfind('.') + 1));
}

// The token with another signature.
std::string replaced(const std::string& token, const std::string& signature) {
    return with_signature(token.substr(0, token.rfind('.')), signature);
}

std::string member(const std::string& jwk, const char* name) {
    return *auth::base64url_decode(json::string_of(*json::member(*json::parse(jwk), name)));
}

std::string problem_of(const std::string& jwk) {
    const auto parsed = auth::KeySet::parse(jwk);
    const auto* const problem = std::get_if<std::string>(&parsed);
    return problem ? *problem : "";
}

// ---------------------------------------------------------------- algorithms
TEST(Refused, AlgorithmConfusion) {
    const std::string data = data_of("HS256");
    const std::string set = R"({"keys":[)" + rsa() + "]}";
    for (const std::string& secret : {rsa(), set}) {
        for (const std::string& key : {rsa(), set, member(rsa(), "n"), member(rsa(), "e"), std::string()})
            EXPECT_EQ(refused_with(secret, with_signature(data, auth::hmac_sha2(256, key, data))), "PGRST301");
    }
}

TEST(Refused, AlgorithmsThatAreNotTheKeys) {
    const std::string token = auth::sign(kPayload, rsa(), "RS256");
    for (const char* algorithm : {"RS384", "PS256", "ES256", "EdDSA", "HS256"})
        EXPECT_EQ(refused_with(rsa(), with_signature(data_of(algorithm), signature_of(token))), "PGRST301");
    EXPECT_EQ(refused_with(test::with(rsa(), R"("alg":"RS512")"), token), "PGRST301");
    EXPECT_EQ(refused_with(ec(), token), "PGRST301");
    EXPECT_EQ(refused_with(kSecret, token), "PGRST301");
    EXPECT_EQ(refused_with(kSecret, auth::sign(kPayload, kSecret, "HS512")), "PGRST301");
}

TEST(Refused, EddsaOfTheOtherCurve) {
    EXPECT_EQ(refused_with(test::okp_key("Ed448"), auth::sign(kPayload, ed25519(), "EdDSA")), "PGRST301");
    EXPECT_EQ(refused_with(ed25519(), auth::sign(kPayload, test::okp_key("Ed448"), "EdDSA")), "PGRST301");
}

TEST(Refused, NoneInEverySpelling) {
    std::string name = "none";
    for (int upper = 0; upper < 16; ++upper) {
        for (int i = 0; i < 4; ++i)
            name[i] = static_cast<char>((upper >> i) & 1 ? std::toupper("none"[i]) : "none"[i]);
        const std::string header = R"({"alg":")" + name + "\"}";
        const std::string data = auth::base64url_encode(header) + "." + auth::base64url_encode(kPayload);
        EXPECT_EQ(refused(bearer(data + ".")), "PGRST301") << name;
        EXPECT_EQ(refused_header(header), "PGRST301") << name;
        EXPECT_EQ(refused_with(rsa(), data + "."), "PGRST301") << name;
    }
    for (const char* header : {R"({"alg":" none"})", R"({"alg":"none\u0000"})", R"({"alg":"\u006eone"})",
                               R"({"alg":""})", R"({"alg":null})", R"({"alg":["none"]})", R"({"alg":false})", R"({})"})
        EXPECT_EQ(refused_header(header), "PGRST301") << header;
}

TEST(Refused, AlgorithmsThatAreNotSupported) {
    for (const char* name : {"ES256K", "HS1", "HS224", "RS1", "RSA1_5", "dir", "A128KW", "Ed25519", "Ed448", "eddsa",
                             "EDDSA", "Hs256", "HS256 ", "HS-256", "HMACSHA256"})
        EXPECT_EQ(refused_header(std::string(R"({"alg":")") + name + "\"}"), "PGRST301") << name;
}

// ---------------------------------------------------------------- headers
TEST(Refused, CritWithAnything) {
    for (const char* crit : {R"(["exp"])", R"(["b64"])", R"(["http://example.com/x"])", "[]", "null", "true", "{}",
                             R"("")", "0", R"(["alg","typ"])"})
        EXPECT_EQ(refused_header(std::string(R"({"alg":"HS256","crit":)") + crit + "}"), "PGRST301") << crit;
    EXPECT_EQ(refused_header(R"({"b64":false,"crit":["b64"],"alg":"HS256"})"), "PGRST301");
}

TEST(Refused, EncWithAnything) {
    for (const char* enc : {R"("A128GCM")", "null", R"("")", "5"})
        EXPECT_EQ(refused_header(std::string(R"({"alg":"HS256","enc":)") + enc + "}"), "PGRST301") << enc;
    EXPECT_EQ(refused_header(R"({"alg":"dir","enc":"A128CBC-HS256"})"), "PGRST301");
    EXPECT_EQ(refused(bearer("a.b.c.d.e")), "PGRST301");
}

TEST(Refused, HeaderMembersOfOtherTypes) {
    for (const char* name : {"typ", "cty", "kid"})
        for (const char* value : {"5", "null", "[]", "{}", "true"})
            EXPECT_EQ(refused_header(std::string(R"({"alg":"HS256",")") + name + "\":" + value + "}"), "PGRST301")
                << name << value;
}

TEST(Accepted, AnyTypAndCtyThatAreStrings) {
    for (const char* members :
         {R"("typ":"JWT")", R"("typ":"at+jwt")", R"("typ":"")", R"("cty":"JWT")", R"("x":1,"y":[])"})
        EXPECT_EQ(refused_header(std::string(R"({"alg":"HS256",)") + members + "}"), "") << members;
}

TEST(Refused, SecondMembersOfTheHeaderDoNotCount) {
    EXPECT_EQ(refused_header(R"({"alg":"none","alg":"HS256"})"), "PGRST301");
    EXPECT_EQ(refused_header(R"({"alg":"HS256","alg":"none"})"), "");
    EXPECT_EQ(refused_header(R"({"alg":"HS256","kid":5,"kid":"x"})"), "PGRST301");
    EXPECT_EQ(refused_header(R"({"alg":"HS256","crit":null,"crit":[]})"), "PGRST301");
    const std::string set = R"({"keys":[)" + test::with(test::oct_key(), R"("kid":"a")") + "]}";
    const auto signed_with = [&](const std::string& header) {
        const std::string data = auth::base64url_encode(header) + "." + auth::base64url_encode(kPayload);
        return with_signature(data, auth::hmac_sha2(256, std::string(64, 'k'), data));
    };
    EXPECT_EQ(refused_with(set, signed_with(R"({"alg":"HS256","kid":"a","kid":"b"})")), "");
    EXPECT_EQ(refused_with(set, signed_with(R"({"alg":"HS256","kid":"b","kid":"a"})")), "PGRST301");
}

// A key that the token brings signs it, and is worth nothing.
class NeverLookedAt : public testing::Test {
protected:
    std::string forged(const std::string& header_member, const std::string& key) {
        const std::string data =
            auth::base64url_encode(R"({"alg":"ES256",)" + header_member + "}") + "." + auth::base64url_encode(kPayload);
        const auto own = auth::KeySet::parse(key, auth::Half::Private);
        const auth::Algorithm& es256 = *auth::find_algorithm("ES256");
        return with_signature(
            data, *std::get<std::shared_ptr<const auth::KeySet>>(own)->signing_key(es256)->sign(es256, data));
    }
    void expect_ignored(const std::string& header_member) {
        EXPECT_EQ(refused_with(ec(), forged(header_member, attacker_)), "PGRST301") << header_member;
        EXPECT_EQ(refused_with(ec(), forged(header_member, ec())), "") << header_member;
    }

    std::string attacker_ = test::ec_key("P-256");
};

TEST_F(NeverLookedAt, Jwk) {
    expect_ignored(R"("jwk":)" + attacker_);
    expect_ignored(R"("jwk":5)");
}
TEST_F(NeverLookedAt, Jku) {
    expect_ignored(R"("jku":"http://127.0.0.1:9/keys")");
    expect_ignored(R"("jku":5)");
}
TEST_F(NeverLookedAt, X5u) {
    expect_ignored(R"("x5u":"http://127.0.0.1:9/certificate")");
    expect_ignored(R"("x5u":[])");
}
TEST_F(NeverLookedAt, X5c) {
    expect_ignored(R"("x5c":["MIIB"])");
    expect_ignored(R"("x5c":null,"x5t":"AA","x5t#S256":"AA")");
}

// ---------------------------------------------------------------- ECDSA
TEST(Refused, EcdsaWithZeroOrOutOfRange) {
    struct Curve {
        const char* algorithm;
        const char* name;
        std::size_t width;
        const char* order;
    };
    const Curve curves[] = {
        {"ES256", "P-256", 32, "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"},
        {"ES384", "P-384", 48,
         "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973"},
        {"ES512", "P-521", 66,
         "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B"
         "889"
         "9C47AEBB6FB71E91386409"},
    };
    for (const Curve& curve : curves) {
        const std::string key = test::ec_key(curve.name);
        const std::string token = auth::sign(kPayload, key, curve.algorithm);
        const std::string r = signature_of(token).substr(0, curve.width);
        const std::string s = signature_of(token).substr(curve.width);
        BIGNUM* read = nullptr;
        BN_hex2bn(&read, curve.order);
        const auth::Number order(read);
        const auto bytes_of = [&](const BIGNUM* number) {
            std::string out(curve.width, '\0');
            BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
            return out;
        };
        const std::string zero(curve.width, '\0');
        const std::string n = bytes_of(order.get());
        BN_add_word(order.get(), 1);
        const std::string beyond = bytes_of(order.get());
        const std::string most(curve.width, '\xff');
        EXPECT_EQ(refused_with(key, token), "") << curve.algorithm;
        for (const std::string& bad : {zero, n, beyond, most}) {
            EXPECT_EQ(refused_with(key, replaced(token, bad + s)), "PGRST301") << curve.algorithm;
            EXPECT_EQ(refused_with(key, replaced(token, r + bad)), "PGRST301") << curve.algorithm;
            EXPECT_EQ(refused_with(key, replaced(token, bad + bad)), "PGRST301") << curve.algorithm;
        }
    }
}

TEST(Refused, EcdsaAsDer) {
    const std::string token = auth::sign(kPayload, ec(), "ES256");
    const std::string raw = signature_of(token);
    auth::Number r = auth::number_of(raw.substr(0, 32));
    auth::Number s = auth::number_of(raw.substr(32));
    const auth::EcdsaSignature signature(ECDSA_SIG_new());
    ECDSA_SIG_set0(signature.get(), r.release(), s.release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &der);
    const std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    EXPECT_EQ(refused_with(ec(), replaced(token, text)), "PGRST301");
    // as long as r || s would be
    EXPECT_EQ(refused_with(ec(), replaced(token, text.substr(0, 64))), "PGRST301");
}

TEST(Refused, SignaturesOfOtherLengths) {
    const struct {
        const char* algorithm;
        std::string key;
    } cases[] = {{"HS256", test::oct_key()},       {"RS256", rsa()},    {"PS256", rsa()}, {"ES256", ec()},
                 {"ES512", test::ec_key("P-521")}, {"EdDSA", ed25519()}};
    for (const auto& one : cases) {
        const std::string token = auth::sign(kPayload, one.key, one.algorithm);
        const std::string right = signature_of(token);
        EXPECT_EQ(refused_with(one.key, token), "") << one.algorithm;
        for (const std::string& wrong :
             {std::string(), std::string(1, '\0'), right.substr(0, right.size() - 1), right.substr(1), right + '\0',
              '\0' + right, right + right, right.substr(0, right.size() / 2), std::string(right.size(), '\0'),
              std::string(20000, 'x')})
            EXPECT_EQ(refused_with(one.key, replaced(token, wrong)), "PGRST301") << one.algorithm << wrong.size();
    }
}

// P-521 numbers are 66 bytes each; halves of 65 and 67 make the same length
TEST(Refused, EcdsaCutAtAnotherPlace) {
    const std::string key = test::ec_key("P-521");
    const std::string token = auth::sign(kPayload, key, "ES512");
    const std::string raw = signature_of(token);
    EXPECT_EQ(refused_with(key, replaced(token, raw.substr(1) + '\0')), "PGRST301");
}

// ---------------------------------------------------------------- keys
TEST(Refused, RsaKeysUnder2048Bits) {
    for (const int bits : {1024, 2047}) {
        const std::string key = test::rsa_key(bits);
        EXPECT_EQ(problem_of(key), "") << bits;  // it stays in the set
        for (const char* algorithm : {"RS256", "PS256"}) {
            EXPECT_THROW(auth::sign(kPayload, key, algorithm), std::invalid_argument);
            EXPECT_EQ(refused_with(key, with_signature(data_of(algorithm), std::string(bits / 8, '\1'))), "PGRST301");
        }
    }
    EXPECT_EQ(refused_with(rsa(), auth::sign(kPayload, rsa(), "RS256")), "");
}

// with e = 1 the padded text is its own signature
TEST(Refused, RsaKeysWhoseExponentIsNone) {
    const std::string n = json::string_of(*json::member(*json::parse(rsa()), "n"));
    for (const char* e : {"AQ", "AA", "Ag", "", "AAAB"})
        EXPECT_NE(problem_of(R"({"kty":"RSA","n":")" + n + R"(","e":")" + e + "\"}"), "") << e;
    EXPECT_NE(
        problem_of(R"({"kty":"RSA","n":")" + auth::base64url_encode(std::string(256, '\xfe')) + R"(","e":"AQAB"})"),
        "");
}

TEST(Refused, PointsThatAreNotOnTheCurve) {
    std::string y = member(ec(), "y");
    y[5] = static_cast<char>(y[5] ^ 1);
    const std::string x = json::string_of(*json::member(*json::parse(ec()), "x"));
    EXPECT_NE(problem_of(R"({"kty":"EC","crv":"P-256","x":")" + x + R"(","y":")" + auth::base64url_encode(y) + "\"}"),
              "");
    EXPECT_NE(problem_of(R"({"kty":"EC","crv":"P-384","x":")" + x + R"(","y":")" + auth::base64url_encode(y) + "\"}"),
              "");
}

std::string hex(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
    return out;
}

// every encoding of a point whose order divides the cofactor
std::vector<std::string> small_points(const char* curve) {
    const std::string ff27 = "ffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    const std::string zeros(112, '0');
    std::vector<std::string> all;
    if (std::string(curve) == "Ed25519")
        all = {"0100000000000000000000000000000000000000000000000000000000000000",
               "0000000000000000000000000000000000000000000000000000000000000000",
               "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
               "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
               "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
               "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
               "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"};
    else
        all = {"00" + zeros, "01" + zeros, "fe" + ff27 + "fe" + ff27 + "00", "ff" + ff27 + "fe" + ff27 + "00",
               std::string(56, '0') + "ff" + ff27 + "00"};
    std::vector<std::string> points;
    for (const std::string& text : all) {
        points.push_back(hex(text));
        points.push_back(hex(text));
        points.back().back() = static_cast<char>(points.back().back() ^ '\x80');
    }
    return points;
}

TEST(Refused, SmallOrderPointsAsPublicKeys) {
    for (const char* curve : {"Ed25519", "Ed448"})
        for (const std::string& point : small_points(curve))
            EXPECT_EQ(problem_of(std::string(R"({"kty":"OKP","crv":")") + curve + R"(","x":")" +
                                 auth::base64url_encode(point) + "\"}"),
                      "a key of type OKP is a point of small order");
    EXPECT_EQ(problem_of(ed25519()), "");
    EXPECT_EQ(problem_of(test::okp_key("Ed448")), "");
}

TEST(Refused, SmallOrderPointsInSignatures) {
    for (const char* curve : {"Ed25519", "Ed448"}) {
        const std::string key = test::okp_key(curve);
        const std::string token = auth::sign(kPayload, key, "EdDSA");
        const std::string signature = signature_of(token);
        EXPECT_EQ(refused_with(key, token), "");
        for (const std::string& point : small_points(curve)) {
            EXPECT_EQ(point.size() * 2, signature.size());
            EXPECT_EQ(refused_with(key, replaced(token, point + signature.substr(point.size()))), "PGRST301");
            EXPECT_EQ(refused_with(key, replaced(token, point + std::string(point.size(), '\0'))), "PGRST301");
        }
    }
}

std::string sha512(const std::string& text) {
    unsigned char out[64];
    EVP_Q_digest(nullptr, "SHA512", nullptr, text.data(), text.size(), out, nullptr);
    return std::string(reinterpret_cast<const char*>(out), sizeof out);
}

auth::Number little_endian(const std::string& text) {
    return auth::Number(BN_lebin2bn(auth::bytes(text), static_cast<int>(text.size()), nullptr));
}

// The holder of a key can make a signature of this kind that is right by the equation alone: with R the identity, S is
// the hash times the secret scalar.
TEST(Refused, SmallOrderPointsInSignaturesThatAreRight) {
    const std::string data = data_of("EdDSA");
    const std::string r = small_points("Ed25519").front();
    std::string scalar = sha512(member(ed25519(), "d")).substr(0, 32);
    scalar[0] = static_cast<char>(scalar[0] & 0xf8);
    scalar[31] = static_cast<char>((scalar[31] & 0x7f) | 0x40);
    const auto secret = little_endian(scalar);
    const auto hash = little_endian(sha512(r + member(ed25519(), "x") + data));
    const auto order = little_endian(hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"));
    const auto product = little_endian("");
    BN_CTX* const context = BN_CTX_new();
    BN_mod_mul(product.get(), secret.get(), hash.get(), order.get(), context);
    BN_CTX_free(context);
    std::string signature(32, '\0');
    BN_bn2lebinpad(product.get(), reinterpret_cast<unsigned char*>(signature.data()), 32);
    signature = r + signature;
    const std::string x = member(ed25519(), "x");
    const auth::EvpKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, auth::bytes(x), x.size()));
    const auth::DigestContext verification(EVP_MD_CTX_new());
    ASSERT_EQ(EVP_DigestVerifyInit(verification.get(), nullptr, nullptr, nullptr, key.get()), 1);
    ASSERT_EQ(EVP_DigestVerify(verification.get(), auth::bytes(signature), 64, auth::bytes(data), data.size()), 1);
    EXPECT_EQ(refused_with(ed25519(), with_signature(data, signature)), "PGRST301");
}

// The identity as a key verifies this signature of every text: S = 0 and R the identity. OpenSSL alone says yes.
TEST(Refused, WhatTheIdentityWouldVerify) {
    const std::string identity_point = small_points("Ed25519").front();
    const auth::EvpKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, auth::bytes(identity_point), 32));
    ASSERT_TRUE(key);
    const std::string signature = identity_point + std::string(32, '\0');
    const auth::DigestContext context(EVP_MD_CTX_new());
    ASSERT_EQ(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()), 1);
    EXPECT_EQ(EVP_DigestVerify(context.get(), auth::bytes(signature), 64, auth::bytes("any"), 3), 1);
    EXPECT_TRUE(auth::begins_with_small_order(signature, EVP_PKEY_ED25519));
}

// S and S + L are the same number modulo the order L; only the smaller is a signature (RFC 8032 section 5.1.7).
TEST(Refused, Ed25519WithAnotherS) {
    const std::string token = auth::sign(kPayload, ed25519(), "EdDSA");
    std::string signature = signature_of(token);
    const std::string order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    int carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        const int sum = static_cast<unsigned char>(signature[32 + i]) + static_cast<unsigned char>(order[i]) + carry;
        signature[32 + i] = static_cast<char>(sum & 0xff);
        carry = sum >> 8;
    }
    EXPECT_EQ(refused_with(ed25519(), replaced(token, signature)), "PGRST301");
}

TEST(KeySet, IgnoresWhatItHasNoUseFor) {
    const std::string token = auth::sign(kPayload, ec(), "ES256");
    for (const char* member : {R"("key_ops":["sign"])", R"("key_ops":[])", R"("x5c":["AAAA"])", R"("x5u":"http://x")",
                               R"("x5t":5)", R"("use":"sig")", R"("use":"other")", R"("use":5)", R"("ext":true)"})
        EXPECT_EQ(refused_with(test::with(ec(), member), token), "") << member;
}

TEST(KeySet, KeepsKeysThatItDoesNotKnow) {
    const std::string token = auth::sign(kPayload, ec(), "ES256");
    for (const char* other : {R"({"kty":"future"})", R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})",
                              R"({"kty":"AKP","alg":"ML-DSA-44"})", R"({"kty":"OKP","crv":"X25519","x":"AA"})",
                              R"({"kty":"oct","k":"AAAA","alg":"A128KW"})"})
        EXPECT_EQ(refused_with(std::string(R"({"keys":[)") + other + "," + ec() + "]}", token), "") << other;
    EXPECT_EQ(refused_with(test::with(ec(), R"("alg":"ES999")"), token), "PGRST301");
    EXPECT_EQ(refused_with(R"({"keys":[]})", token), "PGRST301");
}

}  // namespace
}  // namespace pgrest

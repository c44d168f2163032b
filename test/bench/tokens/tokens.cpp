// How many tokens a second one process authenticates: a new token each time (cold: parsed, verified, claims read), and
// the same one again (cached). One key of each kind, made here.
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "auth/authenticator.h"
#include "auth/base64url.h"
#include "auth/openssl.h"
#include "auth/sign.h"
#include "config/config.h"

using namespace pgrest;

namespace {

struct Case {
    const char* name;
    const char* algorithm;
    std::string jwk;
};

std::string number(EVP_PKEY* key, const char* parameter) {
    BIGNUM* found = nullptr;
    if (EVP_PKEY_get_bn_param(key, parameter, &found) != 1) throw std::runtime_error("a key has no number");
    const auth::Number owner(found);
    std::string out(static_cast<std::size_t>(BN_num_bytes(found)), '\0');
    BN_bn2bin(found, reinterpret_cast<unsigned char*>(out.data()));
    return auth::base64url_encode(out);
}

auth::EvpKey generated(EVP_PKEY* key) {
    if (!key) throw std::runtime_error("a key could not be made");
    return auth::EvpKey(key);
}

std::string rsa() {
    const auto key = generated(EVP_RSA_gen(2048));
    std::string jwk = R"({"kty":"RSA")";
    const char* const parts[][2] = {{"n", "n"},
                                    {"e", "e"},
                                    {"d", "d"},
                                    {"p", "rsa-factor1"},
                                    {"q", "rsa-factor2"},
                                    {"dp", "rsa-exponent1"},
                                    {"dq", "rsa-exponent2"},
                                    {"qi", "rsa-coefficient1"}};
    for (const auto& [member, parameter] : parts)
        jwk += std::string(",\"") + member + "\":\"" + number(key.get(), parameter) + "\"";
    return jwk + "}";
}

std::string ec(const char* curve) {
    const auto key = generated(EVP_EC_gen(curve));
    return std::string(R"({"kty":"EC","crv":")") + curve + R"(","x":")" + number(key.get(), "qx") + R"(","y":")" +
           number(key.get(), "qy") + R"(","d":")" + number(key.get(), "priv") + "\"}";
}

std::string okp(const char* curve) {
    const auto key = generated(EVP_PKEY_Q_keygen(nullptr, nullptr, curve));
    unsigned char secret[64];
    unsigned char shown[64];
    std::size_t secret_size = sizeof secret;
    std::size_t shown_size = sizeof shown;
    EVP_PKEY_get_raw_private_key(key.get(), secret, &secret_size);
    EVP_PKEY_get_raw_public_key(key.get(), shown, &shown_size);
    const auto text = [](const unsigned char* data, std::size_t size) {
        return auth::base64url_encode({reinterpret_cast<const char*>(data), size});
    };
    return std::string(R"({"kty":"OKP","crv":")") + curve + R"(","x":")" + text(shown, shown_size) + R"(","d":")" +
           text(secret, secret_size) + "\"}";
}

constexpr std::int64_t kNow = 1'700'000'000;
constexpr int kTokens = 500;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Repeats work(i) for half a second at least; how often it ran in a second.
template <typename Work>
double per_second(Work work) {
    long count = 0;
    const auto start = Clock::now();
    while (seconds_since(start) < 0.5) {
        for (int i = 0; i < kTokens; ++i)
            work(i);
        count += kTokens;
    }
    return static_cast<double>(count) / seconds_since(start);
}

void measure(const Case& one) {
    const config::Built built =
        config::build({{"jwt_secret", one.jwk}, {"db_anon_role", "anon"}, {"jwt_cache_max_entries", "1"}}, 1);
    if (!built.config) throw std::runtime_error(built.problems.front().reason);
    std::vector<http::Headers> requests;
    for (int i = 0; i < kTokens; ++i) {
        const std::string claims =
            R"({"role":"clerk","email":"someone@example.com","exp":4102444800,"n":)" + std::to_string(i) + "}";
        requests.push_back({{"Authorization", "Bearer " + auth::sign(claims, one.jwk, one.algorithm)}});
    }
    auth::TokenCache cache;
    const double cold = per_second([&](int i) { authenticate(requests[i], *built.config, cache, kNow); });
    const double cached = per_second([&](int) { authenticate(requests[0], *built.config, cache, kNow); });
    std::printf("%-16s %12.0f %12.1f %14.0f\n", one.name, cold, 1e6 / cold, cached);
}

}  // namespace

int main() {
    const std::string secret = R"({"kty":"oct","k":")" + auth::base64url_encode(std::string(64, 'k')) + "\"}";
    const std::string rsa_key = rsa();
    const Case cases[] = {
        {"HS256", "HS256", secret},
        {"HS384", "HS384", secret},
        {"HS512", "HS512", secret},
        {"RS256 (2048)", "RS256", rsa_key},
        {"RS512 (2048)", "RS512", rsa_key},
        {"PS256 (2048)", "PS256", rsa_key},
        {"PS512 (2048)", "PS512", rsa_key},
        {"ES256", "ES256", ec("P-256")},
        {"ES384", "ES384", ec("P-384")},
        {"ES512", "ES512", ec("P-521")},
        {"EdDSA Ed25519", "EdDSA", okp("Ed25519")},
        {"EdDSA Ed448", "EdDSA", okp("Ed448")},
    };
    std::printf("%-16s %12s %12s %14s\n", "algorithm", "cold/s", "us each", "cached/s");
    for (const Case& one : cases)
        measure(one);
    return 0;
}

// How many tokens a second one process authenticates: a new token each time (cold: parsed, verified, claims read), and
// the same one again (cached). One key of each kind, made here.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "../../generated_keys.h"
#include "auth/authenticator.h"
#include "auth/base64url.h"
#include "auth/sign.h"
#include "config/config.h"

using namespace pgrest;

namespace {

struct Case {
    const char* name;
    const char* algorithm;
    std::string jwk;
};

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
    const std::string secret = test::oct_key();
    const std::string rsa_key = test::rsa_key();
    const Case cases[] = {
        {"HS256", "HS256", secret},
        {"HS384", "HS384", secret},
        {"HS512", "HS512", secret},
        {"RS256 (2048)", "RS256", rsa_key},
        {"RS512 (2048)", "RS512", rsa_key},
        {"PS256 (2048)", "PS256", rsa_key},
        {"PS512 (2048)", "PS512", rsa_key},
        {"ES256", "ES256", test::ec_key("P-256")},
        {"ES384", "ES384", test::ec_key("P-384")},
        {"ES512", "ES512", test::ec_key("P-521")},
        {"EdDSA Ed25519", "EdDSA", test::okp_key("Ed25519")},
        {"EdDSA Ed448", "EdDSA", test::okp_key("Ed448")},
    };
    std::printf("%-16s %12s %12s %14s\n", "algorithm", "cold/s", "us each", "cached/s");
    for (const Case& one : cases)
        measure(one);
    return 0;
}

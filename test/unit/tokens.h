// Tokens, keys and configurations as the tests of src/auth need them.
#pragma once

#include <gtest/gtest.h>

#include "auth/authenticator.h"
#include "auth/base64url.h"
#include "auth/hmac.h"
#include "auth/key_set.h"
#include "auth/sign.h"
#include "config/config.h"
#include "failure.h"

namespace pgrest {

inline constexpr const char* kSecret = "a secret of the unit tests, which has 32 bytes or more";
inline constexpr std::int64_t kNow = 1'700'000'000;

inline std::shared_ptr<const auth::KeySet> keys(const std::string& secret) {
    auto parsed = auth::KeySet::parse(secret);
    if (const auto* reason = std::get_if<std::string>(&parsed)) {
        ADD_FAILURE() << *reason;
        return nullptr;
    }
    return std::get<std::shared_ptr<const auth::KeySet>>(parsed);
}

inline auth::KeySet::Outcome verify(const std::string& jwk, const std::string& token, const char* algorithm,
                                    std::optional<std::string> kid = {}) {
    const std::size_t last = token.rfind('.');
    return keys(jwk)->verify(algorithm, kid, token.substr(0, last), *auth::base64url_decode(token.substr(last + 1)));
}

inline std::shared_ptr<const config::Config> configured(config::Settings settings = {}) {
    settings.emplace("jwt_secret", kSecret);
    settings.emplace("db_anon_role", "anon");
    const config::Built built = config::build(settings, 1);
    EXPECT_TRUE(built.config);
    return built.config;
}

inline http::Headers bearer(const std::string& token) {
    return {{"Authorization", "Bearer " + token}};
}

inline std::string signed_token(const std::string& payload) {
    return auth::sign(payload, kSecret, "HS256");
}

// header and payload as given, signed rightly
inline std::string raw_token(const std::string& header, const std::string& payload) {
    const std::string part = auth::base64url_encode(header) + "." + auth::base64url_encode(payload);
    return part + "." + auth::base64url_encode(auth::hmac_sha2(256, kSecret, part));
}

inline auth::Identity identity(const http::Headers& headers, config::Settings settings = {}, std::int64_t now = kNow) {
    auth::TokenCache cache;
    return auth::authenticate(headers, *configured(std::move(settings)), cache, now);
}

inline std::string refused(const http::Headers& headers, config::Settings settings = {}) {
    return code_of([&] { identity(headers, std::move(settings)); });
}

}  // namespace pgrest

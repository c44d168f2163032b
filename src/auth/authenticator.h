// From the Authorization header to an Identity: RFC 6750 (Bearer), RFC 7515 (JWS), RFC 7519 (JWT).
// Pure C++ over OpenSSL. Failures are thrown as http::Failure (PGRST300 to PGRST303).
#pragma once

#include <cstdint>
#include <memory>

#include "auth/identity.h"
#include "config/config.h"
#include "http/message.h"

namespace pgrest::auth {

// Verified tokens by their text. Bounded; forgets everything when the keys change. Claims are checked against
// the clock on every use. One per process; not thread-safe.
class TokenCache {
public:
    TokenCache();
    ~TokenCache();
    TokenCache(const TokenCache&) = delete;
    TokenCache& operator=(const TokenCache&) = delete;

    struct Impl;
    Impl& impl() { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

// now: seconds since 1970-01-01 UTC. Throws http::Failure.
Identity authenticate(const http::Headers& headers, const config::Config& config, TokenCache& cache, std::int64_t now);

}  // namespace pgrest::auth

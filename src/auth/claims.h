// The claims of a token that the server looks at (RFC 7519 section 4.1). Pure C++.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgrest::auth {

struct Claims {
    std::string text;  // JSON object as sent, of repeated members the first
    // Seconds since 1970. The present is known in whole seconds, so these say as much as the fractions that a token
    // may have.
    std::optional<std::int64_t> expires;     // exp, rounded down
    std::optional<std::int64_t> not_before;  // nbf, rounded up
    std::optional<std::int64_t> issued_at;   // iat, rounded up
    bool audience_given = false;
    std::string audience;  // JSON text of aud
};

// Reads and checks the types. Throws PGRST303 in the order exp, nbf, iat, aud, interleaved with the time as the checks
// demand, so that the first fault answers. now: seconds since 1970.
Claims read_claims(std::string_view payload, std::int64_t now, std::string_view wanted_audience);

// The checks that depend on time and configuration, for claims that were read before. Throws PGRST303.
void check_claims(const Claims& claims, std::int64_t now, std::string_view wanted_audience);

// All claims with the top-level role replaced, or added; of repeated claims the first stays.
std::string claims_with_role(std::string_view claims, std::string_view role);

}  // namespace pgrest::auth

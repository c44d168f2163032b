// Tokens made and checked with a shared secret, for pgrest.sign() and pgrest.verify(). Pure C++.
#pragma once

#include <string>
#include <string_view>

namespace pgrest::auth {

// A compact JWS (RFC 7515 section 7.1) of the payload. algorithm: HS256, HS384 or HS512; std::invalid_argument for
// another.
std::string sign_hmac(std::string_view payload, std::string_view secret, std::string_view algorithm);

struct Verified {
    std::string header;   // JSON text
    std::string payload;  // JSON text
    bool valid = false;   // the signature is right, and now lies between nbf and exp
};

// std::invalid_argument for an unknown algorithm, and for text that is no token of three parts with JSON in two of
// them.
Verified verify_hmac(std::string_view token, std::string_view secret, std::string_view algorithm);

}  // namespace pgrest::auth

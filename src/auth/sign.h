// Tokens made and checked by SQL: pgrest.sign() and pgrest.verify(). Pure C++.
//
// secret: what jwt_secret takes. A text is the key of HS256, HS384 and HS512. Of JSON Web Keys the first that suits the
// algorithm signs, and its kid stands in the token's header. Throws std::invalid_argument for an unknown algorithm, a
// broken key, and a secret without a key for the algorithm.
#pragma once

#include <string>
#include <string_view>

namespace pgrest::auth {

// A compact JWS (RFC 7515 section 7.1) of the payload.
std::string sign(std::string_view payload, std::string_view secret, std::string_view algorithm);

struct Verified {
    std::string header;   // JSON text
    std::string payload;  // JSON text
    bool valid = false;   // the signature is right, and now lies between nbf and exp
};

// Throws std::invalid_argument also for text that is no token of three parts with JSON in two of them.
Verified verify(std::string_view token, std::string_view secret, std::string_view algorithm);

}  // namespace pgrest::auth

// Signatures of public key algorithms as JSON Web Signatures have them: ECDSA as r || s, not as DER (RFC 7518 section
// 3.4). Pure C++ over OpenSSL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/algorithm.h"
#include "auth/openssl.h"

namespace pgrest::auth {

bool verify_signature(EVP_PKEY* key, const Algorithm& algorithm, std::string_view data, std::string_view signature);

// Nothing when the key cannot do it.
std::optional<std::string> make_signature(EVP_PKEY* key, const Algorithm& algorithm, std::string_view data);

}  // namespace pgrest::auth

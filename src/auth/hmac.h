// HMAC with SHA-2 (RFC 7518 section 3.2) over OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace pgrest::auth {

// bits: 256, 384 or 512. Throws std::runtime_error when OpenSSL fails.
std::string hmac_sha2(int bits, std::string_view key, std::string_view data);

// Takes as long for wrong as for right contents of the same length.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace pgrest::auth

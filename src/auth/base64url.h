// base64url without padding (RFC 4648 section 5, RFC 7515 section 2), and the lenient base64 of configured secrets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgrest::auth {

std::string base64url_encode(std::string_view bytes);

// Strict: no padding, no white space, no character of the standard alphabet, no stray bits at the end.
std::optional<std::string> base64url_decode(std::string_view text);

// A secret: standard or URL alphabet, `.` for `=`, padding required, white space around it ignored.
std::optional<std::string> decode_secret(std::string_view text);

}  // namespace pgrest::auth

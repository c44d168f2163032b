// The claims of a token as one setting each: request.jwt.claim.NAME. Pure C++.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgrest::http {

// Name and value of each top-level claim that can be a setting; claims: a JSON object. In ascending byte order of the
// names, so that of claims that differ only in case the one in small letters is set last. Left out: null, names that
// are no parameter names, strings with U+0000.
std::vector<std::pair<std::string, std::string>> claim_settings(std::string_view claims);

}  // namespace pgrest::http

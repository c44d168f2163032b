// Comma-separated values (RFC 4180).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgrest::api {

// Lines of fields; empty lines are left out. Throws PGRST102 for a quote where none may stand.
std::vector<std::vector<std::string>> parse_csv(std::string_view text);

}  // namespace pgrest::api

// Values of settings as text, read and judged. Pure C++.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgrest::config {

// on, off, true, false, yes, no, 1, 0 as PostgreSQL takes them.
std::optional<bool> read_bool(std::string_view text);
std::optional<std::int64_t> read_integer(std::string_view text);
// Comma-separated, blanks around the items dropped; the empty text has no items.
std::vector<std::string> read_list(std::string_view text);

}  // namespace pgrest::config

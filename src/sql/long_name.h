// Names that PostgreSQL would cut, and so take for others. Pure C++.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgrest::sql {

// The first quoted identifier of `text`, in any encoding that a database can have, that is longer than `most` bytes.
// Not one that is new (AS "..."): cut, it is still that of its column.
std::optional<std::string> long_name(std::string_view text, std::size_t most);

}  // namespace pgrest::sql

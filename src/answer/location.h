// Location of a row that was written: /relation?key=eq.value&... Pure C++.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pgrest::answer {

// values: the JSON text of each key column; nothing is NULL.
std::string location(const std::string& relation, const std::vector<std::string>& keys,
                     const std::vector<std::optional<std::string>>& values);

}  // namespace pgrest::answer

// Names in a schema, for hints: of a large catalog only those that come first, so that the work is bounded. Throws
// pg::Error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgrest::catalog {

std::vector<std::string> some_relation_names(std::string_view schema);
// Functions that can be called.
std::vector<std::string> some_function_names(std::string_view schema);

}  // namespace pgrest::catalog

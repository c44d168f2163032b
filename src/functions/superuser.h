// Functions that only superusers may call, whatever was granted.
#pragma once

#include <string>

namespace pgrest::functions {

// name: of the function, without schema and parentheses. Throws pg::Error (42501).
void require_superuser(const std::string& name);

}  // namespace pgrest::functions

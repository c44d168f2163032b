// Settings of roles and functions that even a session refuses that has run nothing yet (a table access method that is
// gone, for one). Known to all executors until a reload, so that none of them is replaced for their sake.
#pragma once

#include <string>

namespace pgrest::pool {

bool is_known_as_refused(const std::string& name, const std::string& value);
void remember_as_refused(const std::string& name, const std::string& value);
void forget_refused_settings();

}  // namespace pgrest::pool

// Server parameters as names and values, in UTF-8.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pgrest::exec {

using SettingTexts = std::vector<std::pair<std::string, std::string>>;

// SET LOCAL for each, in this order. saved: see set_local(). Throws pg::Error.
void set_locally(const SettingTexts& settings, bool saved);

}  // namespace pgrest::exec

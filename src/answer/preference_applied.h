// Preference-Applied (RFC 7240 section 3): the preferences that a kind of request honours, in a fixed order. Pure C++.
#pragma once

#include <optional>
#include <string>

#include "api/syntax.h"
#include "config/config.h"

namespace pgrest::answer {

// Which preferences the request at hand honours.
struct Honoured {
    bool resolution = false;
    bool missing = false;
    bool representation = false;
    bool count = true;
    bool max_affected = false;
};

// Nothing when none was applied.
std::optional<std::string> preference_applied(const api::Preferences& preferences, const Honoured& honoured,
                                              config::TxEnd tx_end);

// Does a successful request end with a rollback?
bool ends_with_rollback(const api::Preferences& preferences, config::TxEnd tx_end);

}  // namespace pgrest::answer

// SET clauses of a function that act on the whole transaction of its call (auth: hoisted function settings).
#pragma once

#include <string>
#include <vector>

#include "exec/setting_texts.h"

namespace pgrest::exec {

// The clauses whose text "name=value" one of the patterns matches, regular expressions of PostgreSQL, anywhere. Not
// default_transaction_isolation, which no SET could bring into force. Throws pg::Error.
SettingTexts hoisted_settings(const SettingTexts& clauses, const std::vector<std::string>& patterns);

}  // namespace pgrest::exec

#include "exec/hoisted_settings.h"

#include <algorithm>

#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "catalog/pg_collation.h"
#include "regex/regex.h"
#include "utils/builtins.h"
}

namespace pgrest::exec {

namespace {

bool matches(const std::string& clause, const std::string& pattern) {
    const std::string text = pg::to_server(clause);
    const pg::ServerText server_pattern(pattern);
    const char* const data = text.c_str();
    const char* const expression = server_pattern.c_str();
    const int size = static_cast<int>(text.size());
    return pg::guarded([=] {
        return RE_compile_and_execute(cstring_to_text(expression), const_cast<char*>(data), size, REG_ADVANCED,
                                      DEFAULT_COLLATION_OID, 0, nullptr);
    });
}

}  // namespace

SettingTexts hoisted_settings(const SettingTexts& clauses, const std::vector<std::string>& patterns) {
    SettingTexts hoisted;
    for (const auto& clause : clauses) {
        if (clause.first == "default_transaction_isolation") continue;
        const std::string text = clause.first + "=" + clause.second;
        if (std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return matches(text, pattern); }))
            hoisted.push_back(clause);
    }
    return hoisted;
}

}  // namespace pgrest::exec

#include "api/parse.h"

namespace pgrest::api {

namespace {

// The first of a group counts.
template <typename T>
void set_first(std::optional<T>& preference, T value) {
    if (!preference) preference = std::move(value);
}

std::optional<std::int64_t> number(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    const std::string_view digits = negative ? text.substr(1) : text;
    if (digits.empty() || digits.size() > 18) return {};
    std::int64_t value = 0;
    for (char c : digits) {
        if (c < '0' || c > '9') return {};
        value = value * 10 + (c - '0');
    }
    return negative ? -value : value;
}

void add(Preferences& preferences, std::string_view token) {
    constexpr std::string_view kTimezone = "timezone=";
    constexpr std::string_view kMaxAffected = "max-affected=";
    if (token == "resolution=merge-duplicates")
        set_first(preferences.resolution, Resolution::MergeDuplicates);
    else if (token == "resolution=ignore-duplicates")
        set_first(preferences.resolution, Resolution::IgnoreDuplicates);
    else if (token == "missing=default")
        set_first(preferences.missing, Missing::Default);
    else if (token == "missing=null")
        set_first(preferences.missing, Missing::Null);
    else if (token == "return=representation")
        set_first(preferences.representation, ReturnPreference::Representation);
    else if (token == "return=minimal")
        set_first(preferences.representation, ReturnPreference::Minimal);
    else if (token == "return=headers-only")
        set_first(preferences.representation, ReturnPreference::HeadersOnly);
    else if (token == "count=exact")
        set_first(preferences.count, CountPreference::Exact);
    else if (token == "count=planned")
        set_first(preferences.count, CountPreference::Planned);
    else if (token == "count=estimated")
        set_first(preferences.count, CountPreference::Estimated);
    else if (token == "tx=commit")
        set_first(preferences.tx, TxPreference::Commit);
    else if (token == "tx=rollback")
        set_first(preferences.tx, TxPreference::Rollback);
    else if (token == "handling=strict")
        set_first(preferences.handling, Handling::Strict);
    else if (token == "handling=lenient")
        set_first(preferences.handling, Handling::Lenient);
    else if (token.substr(0, kTimezone.size()) == kTimezone)
        set_first(preferences.timezone, std::string(token.substr(kTimezone.size())));
    else if (token.substr(0, kMaxAffected.size()) == kMaxAffected) {
        if (const auto value = number(token.substr(kMaxAffected.size()))) set_first(preferences.max_affected, *value);
    } else
        preferences.unknown.emplace_back(token);
}

}  // namespace

Preferences parse_preferences(const http::Headers& headers) {
    Preferences preferences;
    for (const http::Header& header : headers) {
        if (!http::same_name(header.name, "Prefer")) continue;
        std::string_view rest = header.value;
        while (true) {
            const std::size_t comma = rest.find(',');
            add(preferences, http::trimmed(rest.substr(0, comma)));
            if (comma == std::string_view::npos) break;
            rest = rest.substr(comma + 1);
        }
    }
    return preferences;
}

}  // namespace pgrest::api

#include "http/claim_settings.h"

#include <algorithm>
#include <unordered_set>

#include "json/json.h"

namespace pgrest::http {

namespace {

constexpr std::string_view kPrefix = "request.jwt.claim.";

bool begins_piece(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool continues_piece(char c) {
    return begins_piece(c) || (c >= '0' && c <= '9') || c == '$';
}

// What PostgreSQL takes for a custom parameter (guc.c, valid_custom_variable_name).
bool is_parameter_name(std::string_view name) {
    bool at_start = true;
    for (char c : name) {
        if (at_start) {
            if (!begins_piece(c)) return false;
            at_start = false;
        } else if (c == '.') {
            at_start = true;
        } else if (!continues_piece(c)) {
            return false;
        }
    }
    return !at_start;
}

std::string value_of(const json::Value& value) {
    return value.kind == json::Kind::String ? json::string_of(value) : json::compact(value);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> claim_settings(std::string_view claims) {
    std::vector<std::pair<std::string, std::string>> settings;
    const auto object = json::parse(claims);
    if (!object) return settings;
    std::unordered_set<std::string> seen;
    for (const json::Member& member : json::members(*object)) {
        // of a repeated claim the first counts, also when it can be no setting
        if (!seen.insert(member.key).second) continue;
        if (member.value.kind == json::Kind::Null || !is_parameter_name(member.key)) continue;
        std::string value = value_of(member.value);
        if (value.find('\0') != std::string::npos) continue;
        settings.emplace_back(member.key, std::move(value));
    }
    std::sort(settings.begin(), settings.end());
    for (auto& setting : settings)
        setting.first.insert(0, kPrefix);
    return settings;
}

}  // namespace pgrest::http

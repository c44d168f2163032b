#include "auth/claims.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <unordered_set>

#include "http/error.h"
#include "json/json.h"

namespace pgrest::auth {

namespace {

constexpr std::int64_t kLeeway = 30;  // seconds of difference between clocks

[[noreturn]] void refuse(const std::string& message) {
    http::fail("PGRST303", message);
}

struct Decimal {
    bool negative = false;
    std::string digits;         // without zeros at either end
    std::int64_t exponent = 0;  // of ten
};

// Of a JSON number.
Decimal decimal_of(std::string_view text) {
    Decimal number;
    const std::size_t e = text.find_first_of("eE");
    if (e != std::string_view::npos) {
        const std::string exponent(text.substr(e + 1));
        number.exponent = std::strtoll(exponent.c_str(), nullptr, 10);  // beyond 64 bits: the largest, which will do
    }
    bool fraction = false;
    std::int64_t shift = 0;
    for (const char c : text.substr(0, e)) {
        if (c == '-') number.negative = true;
        if (c == '.') fraction = true;
        if (c < '0' || c > '9') continue;
        if (fraction) --shift;
        if (c != '0' || !number.digits.empty()) number.digits += c;
    }
    while (number.digits.ends_with('0')) {
        number.digits.pop_back();
        ++shift;
    }
    // the text is far shorter than this, so that nothing of its own brings the sum back
    constexpr std::int64_t kBeyond = std::int64_t{1} << 62;
    number.exponent = std::clamp(number.exponent, -kBeyond, kBeyond) + shift;
    return number;
}

enum class Round { Down, Up };

// The next whole number below or above; beyond 64 bits the largest of its sign.
std::int64_t whole_number(std::string_view text, Round round) {
    using Limits = std::numeric_limits<std::int64_t>;
    constexpr std::int64_t kMostDigits = 19;
    const Decimal number = decimal_of(text);
    const std::int64_t before_point = static_cast<std::int64_t>(number.digits.size()) + number.exponent;
    const std::int64_t beyond = number.negative ? Limits::min() : Limits::max();
    if (number.digits.empty()) return 0;
    if (before_point > kMostDigits) return beyond;
    std::string digits = number.digits.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(before_point, 0)));
    if (number.exponent > 0) digits.append(static_cast<std::size_t>(number.exponent), '0');
    errno = 0;
    const long long toward_zero = std::strtoll(((number.negative ? "-" : "") + digits).c_str(), nullptr, 10);
    if (errno == ERANGE) return beyond;
    const bool whole = number.exponent >= 0;
    const bool away_from_zero = !whole && number.negative == (round == Round::Down);
    if (!away_from_zero || toward_zero == beyond) return toward_zero;
    return toward_zero + (number.negative ? -1 : 1);
}

std::optional<std::int64_t> time_claim(const json::Value& object, const char* name, Round round) {
    const auto value = json::member(object, name);
    if (!value || value->kind == json::Kind::Null) return {};
    if (value->kind != json::Kind::Number) refuse(std::string("The claim '") + name + "' of the token is not a number");
    return whole_number(value->text, round);
}

// Applications look for this text, to ask for a new token.
void check_expires(const Claims& claims, std::int64_t now) {
    if (claims.expires && now - kLeeway > *claims.expires) refuse("JWT expired");
}

void check_not_before(const Claims& claims, std::int64_t now) {
    if (claims.not_before && now + kLeeway < *claims.not_before) refuse("The token is not valid yet");
}

void check_issued_at(const Claims& claims, std::int64_t now) {
    if (claims.issued_at && now + kLeeway < *claims.issued_at) refuse("The token was issued in the future");
}

void check_audience(const Claims& claims, std::string_view wanted) {
    if (!claims.audience_given || wanted.empty()) return;
    const auto audience = json::parse(claims.audience);
    if (!audience) return;
    if (audience->kind == json::Kind::String) {
        if (json::string_of(*audience) == wanted) return;
        refuse("The token is meant for another audience");
    }
    const auto all = json::elements(*audience);
    if (all.empty()) return;
    for (const json::Value& one : all)
        if (json::string_of(one) == wanted) return;
    refuse("The token is meant for another audience");
}

void read_audience(const json::Value& object, Claims& claims) {
    const auto value = json::member(object, "aud");
    if (!value || value->kind == json::Kind::Null) return;
    bool strings = value->kind == json::Kind::String || value->kind == json::Kind::Array;
    for (const json::Value& element : json::elements(*value))
        strings = strings && element.kind == json::Kind::String;
    if (!strings) refuse("The claim 'aud' of the token is neither a string nor an array of strings");
    claims.audience_given = true;
    claims.audience = std::string(value->text);
}

}  // namespace

Claims read_claims(std::string_view payload, std::int64_t now, std::string_view wanted_audience) {
    const auto object = json::parse(payload);
    if (!object || object->kind != json::Kind::Object) refuse("The payload of the token is not a JSON object");
    Claims claims;
    claims.text = json::without_repeats(*object);
    claims.expires = time_claim(*object, "exp", Round::Down);
    check_expires(claims, now);
    claims.not_before = time_claim(*object, "nbf", Round::Up);
    check_not_before(claims, now);
    claims.issued_at = time_claim(*object, "iat", Round::Up);
    check_issued_at(claims, now);
    read_audience(*object, claims);
    check_audience(claims, wanted_audience);
    return claims;
}

void check_claims(const Claims& claims, std::int64_t now, std::string_view wanted_audience) {
    check_expires(claims, now);
    check_not_before(claims, now);
    check_issued_at(claims, now);
    check_audience(claims, wanted_audience);
}

std::string claims_with_role(std::string_view claims, std::string_view role) {
    std::string out = "{";
    std::unordered_set<std::string> seen;
    const auto object = json::parse(claims);
    const auto members = object ? json::members(*object) : std::vector<json::Member>{};
    for (const json::Member& member : members) {
        if (member.key == "role" || !seen.insert(member.key).second) continue;
        json::append_string(out, member.key);
        out += ':';
        out += member.value.text;
        out += ',';
    }
    out += "\"role\":";
    json::append_string(out, role);
    return out + "}";
}

}  // namespace pgrest::auth

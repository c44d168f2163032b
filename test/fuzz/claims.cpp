// Claims: the first line is the role, the rest the payload. What is accepted becomes settings that PostgreSQL can take,
// and claims in which the role in force stands once.
#include <algorithm>

#include "auth/claims.h"
#include "check.h"
#include "http/claim_settings.h"

using namespace pgrest;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

void check_settings(std::string_view claims) {
    const auto settings = http::claim_settings(claims);
    fuzz::require(std::is_sorted(settings.begin(), settings.end()), "settings are in order");
    const std::string_view prefix = "request.jwt.claim.";
    for (const auto& [name, value] : settings) {
        fuzz::require(name.compare(0, prefix.size(), prefix) == 0 && name.size() > prefix.size(),
                      "a setting has its name");
        fuzz::require(name.find_first_of(std::string_view("\0 =\"'-", 6)) == std::string::npos, "a name is clean");
        fuzz::require(value.find('\0') == std::string::npos, "a value has no NUL");
    }
}

void check_with_role(std::string_view claims, const std::string& role) {
    const std::string text = auth::claims_with_role(claims, role);
    const json::Value object = fuzz::require_json(text, json::Kind::Object, "claims are an object");
    std::size_t roles = 0;
    for (const json::Member& member : json::members(object))
        roles += member.key == "role";
    const auto named = json::member(object, "role");
    fuzz::require(roles == 1 && named && (!json::valid_utf8(role) || json::string_of(*named) == role),
                  "the role in force stands once");
    fuzz::require(auth::claims_with_role(text, role) == text, "the role need not be set twice");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::string role(input.line());
    const std::string_view payload = input.rest();
    check_settings(payload);
    for (const std::string_view audience : {"", "here"}) {
        const auto claims = fuzz::accepted({"PGRST303"}, [&] { return auth::read_claims(payload, kNow, audience); });
        if (!claims) continue;
        fuzz::require(!claims->expires || *claims->expires >= kNow - 30, "an expired token is refused");
        fuzz::require(!claims->not_before || *claims->not_before <= kNow + 30, "an early token is refused");
        auth::check_claims(*claims, kNow, audience);
        check_with_role(claims->text, role);
    }
    return 0;
}

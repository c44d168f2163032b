// The whole authenticator with fixed keys and a fixed clock: of all texts only the known tokens are accepted, the
// cache changes no answer, and an HMAC that anyone could make with what is public is worth nothing.
#include <algorithm>

#include "auth/authenticator.h"
#include "auth/base64url.h"
#include "auth/hmac.h"
#include "check.h"
#include "config/config.h"
#include "keys.h"

using namespace pgrest;

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

std::shared_ptr<const config::Config> make_config() {
    const config::Built built = config::build(
        {{"jwt_secret", std::string(fuzz::kKeySet)}, {"db_anon_role", "anon"}, {"jwt_cache_max_entries", "8"}}, 1);
    fuzz::require(built.config != nullptr, "the keys can be used");
    return built.config;
}

const config::Config& configuration() {
    static const std::shared_ptr<const config::Config> made = make_config();
    return *made;
}

std::optional<auth::Identity> authenticated(const std::string& token, auth::TokenCache& cache) {
    const http::Headers headers{{"Authorization", "Bearer " + token}};
    return fuzz::accepted({"PGRST301", "PGRST303", "22023"},
                          [&] { return auth::authenticate(headers, configuration(), cache, kNow); });
}

// With an empty cache and with one that has seen others.
std::optional<auth::Identity> authenticated(const std::string& token) {
    static auth::TokenCache used;
    auth::TokenCache fresh;
    const auto first = authenticated(token, fresh);
    for (auth::TokenCache* cache : {&fresh, &used}) {
        const auto again = authenticated(token, *cache);
        fuzz::require(again.has_value() == first.has_value() &&
                          (!first || (again->role == first->role && again->claims == first->claims)),
                      "the cache changes no answer");
    }
    return first;
}

void check_identity(const auth::Identity& identity) {
    const json::Value claims = fuzz::require_json(identity.claims, json::Kind::Object, "claims are an object");
    std::size_t roles = 0;
    for (const json::Member& member : json::members(claims)) {
        if (member.key != "role") continue;
        ++roles;
        fuzz::require(json::string_of(member.value) == identity.role, "the claims name the role in force");
    }
    fuzz::require(roles == 1 && identity.role.find('\0') == std::string::npos, "there is one role without a NUL");
    fuzz::require(identity.authenticated == (identity.role != "anon"), "the anonymous role is not authenticated");
}

std::string_view without_blanks(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && blank(text.back()))
        text.remove_suffix(1);
    return text;
}

void check_token(const std::string& token) {
    const bool known =
        std::find(std::begin(fuzz::kTokens), std::end(fuzz::kTokens), without_blanks(token)) != std::end(fuzz::kTokens);
    const auto identity = authenticated(token);
    fuzz::require(identity.has_value() == known, "the known tokens are accepted, and no other text");
    if (!identity) return;
    fuzz::require(identity->role == "clerk", "a known token names its role");
    check_identity(*identity);
}

// The bytes as changes to a known token.
void check_changed(std::string_view changes) {
    if (changes.empty()) return;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(changes[i]); };
    std::string token(fuzz::kTokens[byte(0) % std::size(fuzz::kTokens)]);
    for (std::size_t i = 1; i + 2 < changes.size(); i += 3) {
        const std::size_t at = (byte(i) * 256U + byte(i + 1)) % token.size();
        token[at] = static_cast<char>(token[at] ^ changes[i + 2]);
    }
    check_token(token);
}

// The lines as header and payload of a token, signed with keys that it must not be accepted with, and with the secret.
void check_signed(fuzz::Input input) {
    const std::string_view header = input.line();
    const std::string_view payload = input.line();
    const std::string text = auth::base64url_encode(header) + "." + auth::base64url_encode(payload);
    const auto signed_with = [&](std::string_view key) {
        return text + "." + auth::base64url_encode(auth::hmac_sha2(256, key, text));
    };
    for (const std::string_view key : {std::string_view(), fuzz::kKeySet, std::string_view("AQAB")})
        fuzz::require(!authenticated(signed_with(key)), "a key that is public signs nothing");
    fuzz::require(!authenticated(text + "."), "what is not signed is not accepted");
    const auto identity = authenticated(signed_with(fuzz::kSecret));
    if (!identity) return;
    const json::Value object = fuzz::require_json(header, json::Kind::Object, "an accepted header is an object");
    const auto algorithm = json::member(object, "alg");
    fuzz::require(algorithm && json::string_of(*algorithm) == "HS256", "only HS256 suits the secret");
    check_identity(*identity);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    check_token(std::string(text));
    check_changed(text);
    check_signed(fuzz::Input(data, size));
    return 0;
}

#include "auth/authenticator.h"

#include <algorithm>

#include "auth/base64url.h"
#include "auth/claims.h"
#include "auth/key_set.h"
#include "auth/role_path.h"
#include "auth/token_cache.h"
#include "http/error.h"
#include "json/json.h"

namespace pgrest::auth {

namespace {

using config::Config;

// The token of a Bearer header (RFC 6750 section 2.1); nothing for another scheme.
std::optional<std::string_view> bearer_token(const http::Headers& headers) {
    const auto header = http::find_header(headers, "Authorization");
    if (!header) return {};
    std::string_view value = *header;
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    const auto end = std::find_if(value.begin(), value.end(), blank);
    const std::string_view scheme = value.substr(0, static_cast<std::size_t>(end - value.begin()));
    if (!http::same_name(scheme, "Bearer")) return {};
    value.remove_prefix(scheme.size());
    while (!value.empty() && blank(value.front()))
        value.remove_prefix(1);
    while (!value.empty() && blank(value.back()))
        value.remove_suffix(1);
    return value;
}

[[noreturn]] void refuse(std::string message, std::optional<std::string> details = {}) {
    http::fail("PGRST301", std::move(message), std::move(details));
}

struct Parts {
    std::string_view signed_part;
    std::string header;
    std::string payload;
    std::string signature;
};

Parts split(std::string_view token) {
    if (token.empty()) refuse("The token is empty");
    const auto dots = std::count(token.begin(), token.end(), '.');
    if (dots != 2) refuse("A token has 3 parts with dots between them, this one has " + std::to_string(dots + 1));
    const std::size_t first = token.find('.');
    const std::size_t second = token.find('.', first + 1);
    auto header = base64url_decode(token.substr(0, first));
    auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
    auto signature = base64url_decode(token.substr(second + 1));
    if (!header || !payload || !signature) refuse("The token is not encoded as base64url without padding");
    return {token.substr(0, second), std::move(*header), std::move(*payload), std::move(*signature)};
}

struct Header {
    std::string algorithm;
    std::optional<std::string> kid;
};

Header read_header(const std::string& text) {
    const auto object = json::parse(text);
    if (!object || object->kind != json::Kind::Object) refuse("The header of the token is not a JSON object");
    const auto string = [&](const char* name) -> std::optional<std::string> {
        const auto value = json::member(*object, name);
        if (!value) return {};
        if (value->kind != json::Kind::String)
            refuse(std::string("The member '") + name + "' of the token's header is not a string");
        return json::string_of(*value);
    };
    Header header;
    const auto algorithm = string("alg");
    string("typ");
    string("cty");
    header.kid = string("kid");
    if (!algorithm) refuse("The header of the token names no algorithm");
    if (json::member(*object, "enc")) refuse("Encrypted tokens are not supported");
    if (json::member(*object, "crit")) refuse("The token demands extensions that are not supported");
    header.algorithm = *algorithm;
    return header;
}

void verify(const Parts& parts, const KeySet& keys) {
    const Header header = read_header(parts.header);
    if (header.algorithm == "none") refuse("The token is not signed", "The algorithm none is never accepted.");
    if (!find_algorithm(header.algorithm)) refuse("The algorithm of the token is not supported");
    switch (keys.verify(header.algorithm, header.kid, parts.signed_part, parts.signature)) {
        case KeySet::Outcome::Verified:
            return;
        case KeySet::Outcome::NoKey:
            refuse("The token cannot be verified", "No key suits its algorithm and kid.");
        case KeySet::Outcome::WrongSignature:
            refuse("The token cannot be verified", "None of the keys could verify its signature.");
    }
}

// A role that no database can have: a name cannot hold U+0000, and must not be cut there.
[[noreturn]] void fail_impossible_role(const std::string& role) {
    http::DatabaseError error;
    error.sqlstate = "22023";
    error.message = "role \"" + role + "\" does not exist";
    throw http::Failure(http::from_database(error, true));
}

Identity identity_of(const std::optional<std::string>& named, const Config& config, std::string_view claims) {
    const std::string& role = named ? *named : config.anon_role;
    if (!named && role.empty())
        http::fail("PGRST302", "Anonymous access is switched off: a token with a role is needed");
    if (role.find('\0') != std::string::npos) fail_impossible_role(role);
    return {role, claims_with_role(claims, role), role != config.anon_role || config.anon_role.empty()};
}

}  // namespace

Identity authenticate(const http::Headers& headers, const Config& config, TokenCache& cache, std::int64_t now) {
    const auto token = bearer_token(headers);
    if (!token) return identity_of({}, config, "{}");
    if (!config.keys) http::fail("PGRST300", "A token was sent, but the server has no secret to verify it with");
    TokenCache::Impl& known = cache.impl();
    TokenCache::Impl::Entry* entry = known.find(*token, config.keys, config.jwt_cache_max_entries);
    if (entry) {
        check_claims(entry->claims, now, config.jwt_aud);
        if (entry->generation == config.generation && !entry->identity.claims.empty()) return entry->identity;
    }
    std::optional<Claims> fresh;
    if (!entry) {
        const Parts parts = split(*token);
        verify(parts, *config.keys);
        fresh = read_claims(parts.payload, now, config.jwt_aud);
    }
    const std::string& text = entry ? entry->claims.text : fresh->text;
    Identity identity = identity_of(config.role_path->find(text), config, text);
    if (!entry) entry = known.add(*token, std::move(*fresh), config.jwt_cache_max_entries);
    if (entry) {
        entry->identity = identity;
        entry->generation = config.generation;
    }
    return identity;
}

}  // namespace pgrest::auth

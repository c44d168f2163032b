#include "auth/sign.h"

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <stdexcept>

#include "auth/base64url.h"
#include "auth/hmac.h"
#include "auth/key_set.h"
#include "json/json.h"

namespace pgrest::auth {

namespace {

const Algorithm& algorithm_named(std::string_view name) {
    const Algorithm* const found = find_algorithm(name);
    if (found) return *found;
    throw std::invalid_argument("unknown algorithm " + std::string(name) + ": use HS256, HS384 or HS512, or with a " +
                                "JSON Web Key RS256 to RS512, PS256 to PS512, ES256 to ES512 or EdDSA");
}

std::shared_ptr<const KeySet> keys_of(std::string_view secret, Half half) {
    auto parsed = KeySet::parse(secret, half);
    if (const auto* problem = std::get_if<std::string>(&parsed)) throw std::invalid_argument("the secret: " + *problem);
    return std::get<std::shared_ptr<const KeySet>>(std::move(parsed));
}

[[noreturn]] void fail_without_key(const char* purpose, const Algorithm& algorithm) {
    throw std::invalid_argument(std::string("the secret holds no key that ") + purpose + " " +
                                std::string(algorithm.name));
}

std::string header_of(const Algorithm& algorithm, const std::optional<std::string>& kid) {
    std::string header = "{\"alg\":\"" + std::string(algorithm.name) + "\",\"typ\":\"JWT\"";
    if (kid) {
        header += ",\"kid\":";
        json::append_string(header, *kid);
    }
    return header + "}";
}

std::string decoded_json(std::string_view part) {
    auto text = base64url_decode(part);
    if (!text || !json::parse(*text)) throw std::invalid_argument("the token is malformed");
    return *text;
}

bool is_in_time(std::string_view payload) {
    const auto object = json::parse(payload);
    const auto now = static_cast<double>(std::time(nullptr));
    const auto number = [&](std::string_view name, double otherwise) {
        const auto value = object ? json::member(*object, name) : std::nullopt;
        // a number in a string counts too: ignoring it would make the token valid for ever
        if (!value || (value->kind != json::Kind::Number && value->kind != json::Kind::String)) return otherwise;
        const std::string text = value->kind == json::Kind::String ? json::string_of(*value) : std::string(value->text);
        char* end = nullptr;
        const double read = std::strtod(text.c_str(), &end);
        return end == text.c_str() || *end != '\0' ? otherwise : read;
    };
    return number("nbf", -HUGE_VAL) <= now && now < number("exp", HUGE_VAL);
}

std::optional<std::string> kid_of(std::string_view header) {
    const auto object = json::parse(header);
    const auto kid = object ? json::member(*object, "kid") : std::nullopt;
    if (!kid || kid->kind != json::Kind::String) return {};
    return json::string_of(*kid);
}

bool is_signed(std::string_view secret, const Algorithm& algorithm, std::string_view header, std::string_view data,
               std::string_view signature) {
    const auto keys = keys_of(secret, Half::Public);
    if (keys->is_text()) {
        if (algorithm.type != KeyType::Secret) fail_without_key("verifies", algorithm);
        return equal_in_constant_time(signature, hmac_sha2(algorithm.bits, secret, data));
    }
    return keys->verify(algorithm.name, kid_of(header), data, signature) == KeySet::Outcome::Verified;
}

}  // namespace

std::string sign(std::string_view payload, std::string_view secret, std::string_view name) {
    const Algorithm& algorithm = algorithm_named(name);
    const auto keys = keys_of(secret, Half::Private);
    const auto join = [&](const std::optional<std::string>& kid) {
        return base64url_encode(header_of(algorithm, kid)) + "." + base64url_encode(payload);
    };
    if (keys->is_text() && algorithm.type == KeyType::Secret) {
        const std::string data = join({});
        return data + "." + base64url_encode(hmac_sha2(algorithm.bits, secret, data));
    }
    const Key* const key = keys->signing_key(algorithm);
    if (!key) fail_without_key("signs", algorithm);
    const std::string data = join(key->kid);
    const auto signature = key->sign(algorithm, data);
    if (!signature) fail_without_key("signs", algorithm);
    return data + "." + base64url_encode(*signature);
}

Verified verify(std::string_view token, std::string_view secret, std::string_view name) {
    const Algorithm& algorithm = algorithm_named(name);
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        throw std::invalid_argument("a token has three parts with dots between them");
    Verified verified;
    verified.header = decoded_json(token.substr(0, first));
    verified.payload = decoded_json(token.substr(first + 1, second - first - 1));
    const auto signature = base64url_decode(token.substr(second + 1));
    verified.valid = signature && is_signed(secret, algorithm, verified.header, token.substr(0, second), *signature) &&
                     is_in_time(verified.payload);
    return verified;
}

}  // namespace pgrest::auth

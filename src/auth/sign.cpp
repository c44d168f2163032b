#include "auth/sign.h"

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <stdexcept>

#include "auth/base64url.h"
#include "auth/hmac.h"
#include "json/json.h"

namespace pgrest::auth {

namespace {

int bits_of(std::string_view algorithm) {
    if (algorithm == "HS256") return 256;
    if (algorithm == "HS384") return 384;
    if (algorithm == "HS512") return 512;
    throw std::invalid_argument("unknown algorithm " + std::string(algorithm) + ": use HS256, HS384 or HS512");
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

}  // namespace

std::string sign_hmac(std::string_view payload, std::string_view secret, std::string_view algorithm) {
    const int bits = bits_of(algorithm);
    const std::string header = "{\"alg\":\"" + std::string(algorithm) + "\",\"typ\":\"JWT\"}";
    const std::string signed_part = base64url_encode(header) + "." + base64url_encode(payload);
    return signed_part + "." + base64url_encode(hmac_sha2(bits, secret, signed_part));
}

Verified verify_hmac(std::string_view token, std::string_view secret, std::string_view algorithm) {
    const int bits = bits_of(algorithm);
    const std::size_t first = token.find('.');
    const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        throw std::invalid_argument("a token has three parts with dots between them");
    Verified verified;
    verified.header = decoded_json(token.substr(0, first));
    verified.payload = decoded_json(token.substr(first + 1, second - first - 1));
    const auto signature = base64url_decode(token.substr(second + 1));
    verified.valid = signature &&
                     equal_in_constant_time(*signature, hmac_sha2(bits, secret, token.substr(0, second))) &&
                     is_in_time(verified.payload);
    return verified;
}

}  // namespace pgrest::auth

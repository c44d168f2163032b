// One key of tokens: a text, or a JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037). Read once, used for many
// tokens. Pure C++ over OpenSSL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "auth/algorithm.h"
#include "auth/openssl.h"
#include "json/json.h"

namespace pgrest::auth {

// Which half of a key pair is wanted. A server that verifies needs no private keys and keeps none.
enum class Half { Public, Private };

struct Key {
    KeyType type = KeyType::Unknown;  // of an unknown type it matches nothing
    bool text_secret = false;         // not a JSON Web Key: HS256 only
    std::string secret;               // of type Secret
    EvpKey pair;                      // of the others
    bool can_sign = false;
    std::optional<std::string> kid;
    std::optional<std::string> algorithm;
    bool for_encryption = false;

    // May it verify a token of this algorithm and kid?
    bool suits(const Algorithm& wanted, const std::optional<std::string>& wanted_kid) const;
    bool verify(const Algorithm& with, std::string_view data, std::string_view signature) const;
    // Nothing when it cannot.
    std::optional<std::string> sign(const Algorithm& with, std::string_view data) const;
};

// The key, or why it is broken.
std::variant<Key, std::string> read_jwk(const json::Value& object, Half half);

}  // namespace pgrest::auth

// The signature algorithms of tokens (RFC 7518 section 3.1, RFC 8037 section 3.1). Pure C++.
#pragma once

#include <cstddef>
#include <string_view>

namespace pgrest::auth {

// What a key is made for.
enum class KeyType { Secret, Rsa, Ec256, Ec384, Ec521, Edwards, Unknown };

struct Algorithm {
    std::string_view name;
    KeyType type;
    int bits;  // of the hash, 0 for EdDSA
    bool pss = false;
    std::size_t width = 0;  // bytes of r and of s
};

// Exactly as written; nullptr for any other.
const Algorithm* find_algorithm(std::string_view name);

}  // namespace pgrest::auth

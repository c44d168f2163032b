#include "auth/algorithm.h"

#include <algorithm>
#include <iterator>

namespace pgrest::auth {

namespace {

constexpr Algorithm kAlgorithms[] = {
    {"HS256", KeyType::Secret, 256},
    {"HS384", KeyType::Secret, 384},
    {"HS512", KeyType::Secret, 512},
    {"RS256", KeyType::Rsa, 256},
    {"RS384", KeyType::Rsa, 384},
    {"RS512", KeyType::Rsa, 512},
    {"PS256", KeyType::Rsa, 256, true},
    {"PS384", KeyType::Rsa, 384, true},
    {"PS512", KeyType::Rsa, 512, true},
    {"ES256", KeyType::Ec256, 256, false, 32},
    {"ES384", KeyType::Ec384, 384, false, 48},
    {"ES512", KeyType::Ec521, 512, false, 66},
    {"EdDSA", KeyType::Edwards, 0},
};

}  // namespace

const Algorithm* find_algorithm(std::string_view name) {
    const auto* const found = std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                                           [&](const Algorithm& known) { return known.name == name; });
    return found == std::end(kAlgorithms) ? nullptr : found;
}

}  // namespace pgrest::auth

// New keys as JSON Web Keys with both halves, for unit tests and benchmarks.
#pragma once

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <stdexcept>
#include <string>

#include "auth/base64url.h"
#include "auth/openssl.h"

namespace pgrest::test {

inline std::string number(EVP_PKEY* key, const char* parameter) {
    BIGNUM* found = nullptr;
    if (EVP_PKEY_get_bn_param(key, parameter, &found) != 1) throw std::runtime_error("a key has no number");
    const auth::Number owner(found);
    std::string out(static_cast<std::size_t>(BN_num_bytes(found)), '\0');
    BN_bn2bin(found, reinterpret_cast<unsigned char*>(out.data()));
    return auth::base64url_encode(out);
}

inline auth::EvpKey generated(EVP_PKEY* key) {
    if (!key) throw std::runtime_error("a key could not be made");
    return auth::EvpKey(key);
}

inline std::string rsa_key(int bits = 2048) {
    const auto key = generated(EVP_RSA_gen(bits));
    std::string jwk = R"({"kty":"RSA")";
    const char* const parts[][2] = {{"n", "n"},
                                    {"e", "e"},
                                    {"d", "d"},
                                    {"p", "rsa-factor1"},
                                    {"q", "rsa-factor2"},
                                    {"dp", "rsa-exponent1"},
                                    {"dq", "rsa-exponent2"},
                                    {"qi", "rsa-coefficient1"}};
    for (const auto& [member, parameter] : parts)
        jwk += std::string(",\"") + member + "\":\"" + number(key.get(), parameter) + "\"";
    return jwk + "}";
}

inline std::string ec_key(const char* curve) {
    const auto key = generated(EVP_EC_gen(curve));
    return std::string(R"({"kty":"EC","crv":")") + curve + R"(","x":")" + number(key.get(), "qx") + R"(","y":")" +
           number(key.get(), "qy") + R"(","d":")" + number(key.get(), "priv") + "\"}";
}

inline std::string okp_key(const char* curve) {
    const auto key = generated(EVP_PKEY_Q_keygen(nullptr, nullptr, curve));
    unsigned char secret[64];
    unsigned char shown[64];
    std::size_t secret_size = sizeof secret;
    std::size_t shown_size = sizeof shown;
    EVP_PKEY_get_raw_private_key(key.get(), secret, &secret_size);
    EVP_PKEY_get_raw_public_key(key.get(), shown, &shown_size);
    const auto text = [](const unsigned char* data, std::size_t size) {
        return auth::base64url_encode({reinterpret_cast<const char*>(data), size});
    };
    return std::string(R"({"kty":"OKP","crv":")") + curve + R"(","x":")" + text(shown, shown_size) + R"(","d":")" +
           text(secret, secret_size) + "\"}";
}

inline std::string oct_key(std::size_t size = 64) {
    return R"({"kty":"oct","k":")" + auth::base64url_encode(std::string(size, 'k')) + "\"}";
}

// The JWK with a further member, such as "kid":"1".
inline std::string with(std::string jwk, const std::string& member) {
    jwk.back() = ',';
    return jwk + member + "}";
}

}  // namespace pgrest::test

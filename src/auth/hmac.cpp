#include "auth/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace pgrest::auth {

namespace {

const EVP_MD* digest(int bits) {
    if (bits == 256) return EVP_sha256();
    return bits == 384 ? EVP_sha384() : EVP_sha512();
}

}  // namespace

std::string hmac_sha2(int bits, std::string_view key, std::string_view data) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    // an empty key is a key; a null pointer would reuse the last one
    static constexpr unsigned char kNothing = 0;
    const void* key_data = key.empty() ? static_cast<const void*>(&kNothing) : key.data();
    if (!HMAC(digest(bits), key_data, static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()),
              data.size(), out, &size))
        throw std::runtime_error("HMAC failed");
    return std::string(reinterpret_cast<const char*>(out), size);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace pgrest::auth

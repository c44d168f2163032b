#include "auth/signature.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "auth/small_order.h"

namespace pgrest::auth {

namespace {

const EVP_MD* digest(int bits) {
    if (bits == 0) return nullptr;
    if (bits == 256) return EVP_sha256();
    return bits == 384 ? EVP_sha384() : EVP_sha512();
}

// r || s of fixed width as DER, which OpenSSL wants; nothing when either is zero.
std::optional<std::string> to_der(std::string_view raw, std::size_t width) {
    if (raw.size() != width * 2) return {};
    Number r = number_of(raw.substr(0, width));
    Number s = number_of(raw.substr(width));
    if (!r || !s || BN_is_zero(r.get()) || BN_is_zero(s.get())) return {};
    const EcdsaSignature signature(ECDSA_SIG_new());
    if (!signature || !ECDSA_SIG_set0(signature.get(), r.get(), s.get())) return {};
    r.release();
    s.release();
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &der);
    if (size <= 0) return {};
    std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

std::optional<std::string> from_der(std::string_view der, std::size_t width) {
    const unsigned char* at = bytes(der);
    const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (!signature) return {};
    std::string out(width * 2, '\0');
    auto* const room = reinterpret_cast<unsigned char*>(out.data());
    const int size = static_cast<int>(width);
    if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), room, size) != size ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), room + width, size) != size)
        return {};
    return out;
}

bool set_options(EVP_PKEY_CTX* options, const Algorithm& algorithm) {
    if (!algorithm.pss) return true;
    return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) > 0;
}

bool verify_as_openssl_wants(EVP_PKEY* key, const Algorithm& algorithm, std::string_view data,
                             std::string_view signature) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    return context && EVP_DigestVerifyInit(context.get(), &options, digest(algorithm.bits), nullptr, key) > 0 &&
           set_options(options, algorithm) &&
           EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(data), data.size()) == 1;
}

std::optional<std::string> sign_as_openssl_wants(EVP_PKEY* key, const Algorithm& algorithm, std::string_view data) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    std::size_t size = 0;
    if (!context || EVP_DigestSignInit(context.get(), &options, digest(algorithm.bits), nullptr, key) <= 0 ||
        !set_options(options, algorithm) ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes(data), data.size()) <= 0)
        return {};
    std::string signature(size, '\0');
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes(data),
                       data.size()) <= 0)
        return {};
    signature.resize(size);
    return signature;
}

}  // namespace

bool verify_signature(EVP_PKEY* key, const Algorithm& algorithm, std::string_view data, std::string_view signature) {
    if (algorithm.type == KeyType::Edwards && begins_with_small_order(signature, EVP_PKEY_get_id(key))) return false;
    std::optional<std::string> der;
    if (algorithm.width > 0) {
        der = to_der(signature, algorithm.width);
        if (!der) return false;
    }
    const bool valid = verify_as_openssl_wants(key, algorithm, data, der ? *der : signature);
    // what one token left behind is no concern of whoever uses OpenSSL next in this process
    if (!valid) ERR_clear_error();
    return valid;
}

std::optional<std::string> make_signature(EVP_PKEY* key, const Algorithm& algorithm, std::string_view data) {
    auto signature = sign_as_openssl_wants(key, algorithm, data);
    if (signature && algorithm.width > 0) signature = from_der(*signature, algorithm.width);
    if (!signature) ERR_clear_error();
    return signature;
}

}  // namespace pgrest::auth

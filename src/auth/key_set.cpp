#include "auth/key_set.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "auth/base64url.h"
#include "auth/hmac.h"
#include "json/json.h"

namespace pgrest::auth {

namespace {

template <auto Free>
struct Deleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};

using PublicKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

constexpr int kLeastRsaBits = 2048;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

Number number_of(std::string_view big_endian) {
    return Number(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

PublicKey key_from(const char* type, OSSL_PARAM_BLD* builder) {
    const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) <= 0) return nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) <= 0) return nullptr;
    return PublicKey(key);
}

PublicKey rsa_key(std::string_view modulus, std::string_view exponent) {
    const Number n = number_of(modulus);
    const Number e = number_of(exponent);
    const Builder builder(OSSL_PARAM_BLD_new());
    if (!n || !e || !builder || !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) ||
        !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()))
        return nullptr;
    return key_from("RSA", builder.get());
}

std::string padded(std::string_view coordinate, std::size_t size) {
    return std::string(size - coordinate.size(), '\0') + std::string(coordinate);
}

PublicKey ec_key(const char* group, std::string_view x, std::string_view y, std::size_t size) {
    if (x.size() > size || y.size() > size) return nullptr;
    const std::string point = "\x04" + padded(x, size) + padded(y, size);
    const Builder builder(OSSL_PARAM_BLD_new());
    if (!builder || !OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) ||
        !OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()))
        return nullptr;
    return key_from("EC", builder.get());
}

struct Algorithm {
    std::string_view name;
    KeySet::Type type;
    int bits;  // of the hash, 0 for EdDSA
    bool pss = false;
    std::size_t width = 0;  // bytes of r and of s
};

constexpr Algorithm kAlgorithms[] = {
    {"HS256", KeySet::Type::Secret, 256},
    {"HS384", KeySet::Type::Secret, 384},
    {"HS512", KeySet::Type::Secret, 512},
    {"RS256", KeySet::Type::Rsa, 256},
    {"RS384", KeySet::Type::Rsa, 384},
    {"RS512", KeySet::Type::Rsa, 512},
    {"PS256", KeySet::Type::Rsa, 256, true},
    {"PS384", KeySet::Type::Rsa, 384, true},
    {"PS512", KeySet::Type::Rsa, 512, true},
    {"ES256", KeySet::Type::Ec256, 256, false, 32},
    {"ES384", KeySet::Type::Ec384, 384, false, 48},
    {"ES512", KeySet::Type::Ec521, 512, false, 66},
    {"EdDSA", KeySet::Type::Ed25519, 0},
};

const Algorithm* find_algorithm(std::string_view name) {
    const auto* const found = std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                                           [&](const Algorithm& known) { return known.name == name; });
    return found == std::end(kAlgorithms) ? nullptr : found;
}

const EVP_MD* digest(int bits) {
    if (bits == 0) return nullptr;
    if (bits == 256) return EVP_sha256();
    return bits == 384 ? EVP_sha384() : EVP_sha512();
}

// r || s of fixed width as DER, which OpenSSL wants; nothing when either is zero.
std::optional<std::string> der_signature(std::string_view raw, std::size_t width) {
    if (raw.size() != width * 2) return {};
    Number r = number_of(raw.substr(0, width));
    Number s = number_of(raw.substr(width));
    if (!r || !s || BN_is_zero(r.get()) || BN_is_zero(s.get())) return {};
    const Signature signature(ECDSA_SIG_new());
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

bool verify_public(EVP_PKEY* key, const Algorithm& algorithm, std::string_view data, std::string_view signature) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    if (!context || EVP_DigestVerifyInit(context.get(), &options, digest(algorithm.bits), nullptr, key) <= 0)
        return false;
    if (algorithm.pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) <= 0 ||
                          EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) <= 0))
        return false;
    std::string der;
    if (algorithm.width > 0) {
        auto converted = der_signature(signature, algorithm.width);
        if (!converted) return false;
        der = std::move(*converted);
        signature = der;
    }
    return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(data), data.size()) == 1;
}

}  // namespace

struct KeySet::Key {
    Type type = Type::Unknown;
    bool text_secret = false;  // HS256 only
    std::string secret;
    PublicKey public_key;
    std::optional<std::string> kid;
    std::optional<std::string> algorithm;
    bool for_encryption = false;

    bool suits(const Algorithm& wanted, const std::optional<std::string>& wanted_kid) const {
        if (for_encryption || (wanted_kid && kid != wanted_kid)) return false;
        if (algorithm && *algorithm != wanted.name) return false;
        if (text_secret && wanted.name != "HS256") return false;
        return type == wanted.type || (type == Type::Ed448 && wanted.type == Type::Ed25519);
    }

    bool verify(const Algorithm& with, std::string_view data, std::string_view signature) const {
        if (type == Type::Secret) return equal_in_constant_time(signature, hmac_sha2(with.bits, secret, data));
        return public_key && verify_public(public_key.get(), with, data, signature);
    }
};

KeySet::KeySet() = default;
KeySet::~KeySet() = default;
KeySet::KeySet(KeySet&&) noexcept = default;

namespace {

using Problem = std::string;

// Reads the members of one JWK.
class JwkReader {
public:
    explicit JwkReader(const json::Value& object) : object_(object) {}

    // The key, or why it is broken.
    std::optional<Problem> read(KeySet::Key& key) {
        const auto type = text("kty");
        if (!type) return "a key has no kty";
        key.kid = text("kid");
        key.algorithm = text("alg");
        key.for_encryption = text("use") == "enc";
        if (*type == "oct") return read_secret(key);
        if (*type == "RSA") return read_rsa(key);
        if (*type == "EC") return read_ec(key);
        if (*type == "OKP") return read_okp(key);
        return {};  // a key of a type to come stays in the set and matches nothing
    }

private:
    std::optional<std::string> text(std::string_view name) const {
        const auto value = json::member(object_, name);
        if (!value || value->kind != json::Kind::String) return {};
        return json::string_of(*value);
    }

    std::optional<std::string> decoded(std::string_view name) const {
        auto value = text(name);
        if (!value) return {};
        while (!value->empty() && value->back() == '=')
            value->pop_back();
        return base64url_decode(*value);
    }

    std::optional<Problem> read_secret(KeySet::Key& key) {
        const auto secret = decoded("k");
        if (!secret || secret->empty()) return "a key of type oct has no readable k";
        key.type = KeySet::Type::Secret;
        key.secret = *secret;
        return {};
    }

    std::optional<Problem> read_rsa(KeySet::Key& key) {
        const auto n = decoded("n");
        const auto e = decoded("e");
        if (!n || !e) return "a key of type RSA has no readable n and e";
        key.public_key = rsa_key(*n, *e);
        if (!key.public_key) return "a key of type RSA cannot be used";
        // a short key is no key for any algorithm (RFC 7518 section 3.3)
        key.type = EVP_PKEY_get_bits(key.public_key.get()) < kLeastRsaBits ? KeySet::Type::Unknown : KeySet::Type::Rsa;
        return {};
    }

    std::optional<Problem> read_ec(KeySet::Key& key) {
        struct Curve {
            std::string_view name;
            const char* group;
            std::size_t size;
            KeySet::Type type;
        };
        constexpr Curve kCurves[] = {{"P-256", "prime256v1", 32, KeySet::Type::Ec256},
                                     {"P-384", "secp384r1", 48, KeySet::Type::Ec384},
                                     {"P-521", "secp521r1", 66, KeySet::Type::Ec521}};
        const auto name = text("crv");
        const auto x = decoded("x");
        const auto y = decoded("y");
        if (!name || !x || !y) return "a key of type EC has no readable crv, x and y";
        for (const Curve& curve : kCurves) {
            if (curve.name != *name) continue;
            key.public_key = ec_key(curve.group, *x, *y, curve.size);
            if (!key.public_key) return "a key of type EC is no point of its curve";
            key.type = curve.type;
        }
        return {};
    }

    std::optional<Problem> read_okp(KeySet::Key& key) {
        const auto name = text("crv");
        const auto x = decoded("x");
        if (!name || !x) return "a key of type OKP has no readable crv and x";
        const bool is_25519 = *name == "Ed25519";
        if (!is_25519 && *name != "Ed448") return {};
        key.public_key.reset(
            EVP_PKEY_new_raw_public_key(is_25519 ? EVP_PKEY_ED25519 : EVP_PKEY_ED448, nullptr, bytes(*x), x->size()));
        if (!key.public_key) return "a key of type OKP cannot be used";
        key.type = is_25519 ? KeySet::Type::Ed25519 : KeySet::Type::Ed448;
        return {};
    }

    const json::Value& object_;
};

// A key that was damaged, not a random secret that happens to begin with a brace.
bool looks_like_key(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '{') return false;
    return json::parse(text) || text.find("\"kty\"") != std::string_view::npos ||
           text.find("\"keys\"") != std::string_view::npos;
}

}  // namespace

std::variant<std::shared_ptr<const KeySet>, std::string> KeySet::parse(std::string_view secret) {
    auto set = std::make_shared<KeySet>();
    const auto object = json::parse(secret);
    const bool is_object = object && object->kind == json::Kind::Object;
    const auto keys = is_object ? json::member(*object, "keys") : std::nullopt;
    const bool is_set = keys && keys->kind == json::Kind::Array;
    const bool is_key = is_object && json::member(*object, "kty").has_value();
    if (!is_set && !is_key && looks_like_key(secret))
        return "it looks like a JSON Web Key, but is neither a readable key nor a set of keys";
    if (!is_set && !is_key) {
        Key key;
        key.type = Type::Secret;
        key.text_secret = true;
        key.secret = std::string(secret);
        set->keys_.push_back(std::move(key));
        return std::shared_ptr<const KeySet>(std::move(set));
    }
    for (const json::Value& element : is_set ? json::elements(*keys) : std::vector<json::Value>{*object}) {
        if (element.kind != json::Kind::Object) return "an element of keys is no object";
        Key key;
        if (auto problem = JwkReader(element).read(key)) return *problem;
        set->keys_.push_back(std::move(key));
    }
    return std::shared_ptr<const KeySet>(std::move(set));
}

KeySet::Outcome KeySet::verify(std::string_view algorithm, const std::optional<std::string>& kid,
                               std::string_view signed_part, std::string_view signature) const {
    const Algorithm* const known = find_algorithm(algorithm);
    if (!known) return Outcome::NoKey;
    bool any = false;
    for (const Key& key : keys_) {
        if (!key.suits(*known, kid)) continue;
        any = true;
        if (key.verify(*known, signed_part, signature)) return Outcome::Verified;
    }
    return any ? Outcome::WrongSignature : Outcome::NoKey;
}

bool KeySet::is_short_secret() const {
    constexpr std::size_t kLeast = 32;
    return keys_.size() == 1 && keys_.front().text_secret && keys_.front().secret.size() < kLeast;
}

std::optional<std::size_t> KeySet::shortest_secret() const {
    std::optional<std::size_t> shortest;
    for (const Key& key : keys_)
        if (key.type == Type::Secret) shortest = std::min(shortest.value_or(key.secret.size()), key.secret.size());
    return shortest;
}

bool is_known_algorithm(std::string_view algorithm) {
    return find_algorithm(algorithm) != nullptr;
}

}  // namespace pgrest::auth

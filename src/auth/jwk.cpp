#include "auth/jwk.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <vector>

#include "auth/base64url.h"
#include "auth/hmac.h"
#include "auth/signature.h"
#include "auth/small_order.h"

namespace pgrest::auth {

namespace {

using Problem = std::string;

constexpr int kLeastRsaBits = 2048;

struct Curve {
    std::string_view name;
    const char* group;
    std::size_t size;
    KeyType type;
};

constexpr Curve kCurves[] = {{"P-256", "prime256v1", 32, KeyType::Ec256},
                             {"P-384", "secp384r1", 48, KeyType::Ec384},
                             {"P-521", "secp521r1", 66, KeyType::Ec521}};

// The numbers of a key on their way to OpenSSL, which copies them when the key is made.
class Material {
public:
    Material() : builder_(OSSL_PARAM_BLD_new()), usable_(builder_ != nullptr) {}

    void add_number(const char* name, std::string_view big_endian) {
        numbers_.push_back(number_of(big_endian));
        usable_ = usable_ && numbers_.back() && OSSL_PARAM_BLD_push_BN(builder_.get(), name, numbers_.back().get());
    }
    void add_name(const char* name, const char* text) {
        usable_ = usable_ && OSSL_PARAM_BLD_push_utf8_string(builder_.get(), name, text, 0);
    }
    void add_bytes(const char* name, const std::string& text) {
        usable_ = usable_ && OSSL_PARAM_BLD_push_octet_string(builder_.get(), name, text.data(), text.size());
    }

    EvpKey make(const char* type, int selection) {
        if (!usable_) return nullptr;
        const Parameters parameters(OSSL_PARAM_BLD_to_param(builder_.get()));
        const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
        EVP_PKEY* key = nullptr;
        if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) <= 0) return nullptr;
        if (EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) <= 0) return nullptr;
        return EvpKey(key);
    }

private:
    Builder builder_;
    std::vector<Number> numbers_;
    bool usable_;
};

int selection(bool with_private) {
    return with_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
}

std::string padded(std::string_view coordinate, std::size_t size) {
    return std::string(size - coordinate.size(), '\0') + std::string(coordinate);
}

// With an exponent of one every text would be its own signature.
bool is_plausible_rsa(std::string_view n, std::string_view e) {
    const Number modulus = number_of(n);
    const Number exponent = number_of(e);
    return modulus && exponent && BN_is_odd(modulus.get()) && BN_is_odd(exponent.get()) && !BN_is_one(exponent.get());
}

class Reader {
public:
    Reader(const json::Value& object, Half half) : object_(object), half_(half) {}

    std::variant<Key, Problem> read() {
        const auto type = text("kty");
        if (!type) return "a key has no kty";
        key_.kid = text("kid");
        key_.algorithm = text("alg");
        key_.for_encryption = text("use") == "enc";
        if (auto problem = read_material(*type)) return *problem;
        return std::move(key_);
    }

private:
    std::optional<Problem> read_material(const std::string& type) {
        if (type == "oct") return read_secret();
        if (type == "RSA") return read_rsa();
        if (type == "EC") return read_ec();
        if (type == "OKP") return read_okp();
        return {};  // a key of a type to come stays in the set and matches nothing
    }

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

    // The private member d, if it is there and wanted.
    std::optional<std::string> private_part() const {
        return half_ == Half::Private ? decoded("d") : std::optional<std::string>();
    }

    std::optional<Problem> read_secret() {
        const auto secret = decoded("k");
        if (!secret || secret->empty()) return "a key of type oct has no readable k";
        key_.type = KeyType::Secret;
        key_.secret = *secret;
        key_.can_sign = true;
        return {};
    }

    std::optional<Problem> read_rsa() {
        const auto n = decoded("n");
        const auto e = decoded("e");
        if (!n || !e) return "a key of type RSA has no readable n and e";
        if (!is_plausible_rsa(*n, *e)) return "a key of type RSA cannot be used";
        Material material;
        material.add_number(OSSL_PKEY_PARAM_RSA_N, *n);
        material.add_number(OSSL_PKEY_PARAM_RSA_E, *e);
        const auto d = private_part();
        if (d) add_private_rsa(material, *d);
        key_.pair = material.make("RSA", selection(d.has_value()));
        if (!key_.pair) return "a key of type RSA cannot be used";
        key_.can_sign = d.has_value();
        // a short key is no key for any algorithm (RFC 7518 section 3.3)
        key_.type = EVP_PKEY_get_bits(key_.pair.get()) < kLeastRsaBits ? KeyType::Unknown : KeyType::Rsa;
        return {};
    }

    // The factors make it quick, and it works without them.
    void add_private_rsa(Material& material, const std::string& d) const {
        struct Part {
            const char* member;
            const char* parameter;
        };
        constexpr Part kParts[] = {{"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
                                   {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
                                   {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
                                   {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
                                   {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
        material.add_number(OSSL_PKEY_PARAM_RSA_D, d);
        for (const Part& part : kParts)
            if (!decoded(part.member)) return;
        for (const Part& part : kParts)
            material.add_number(part.parameter, *decoded(part.member));
    }

    std::optional<Problem> read_ec() {
        const auto name = text("crv");
        const auto x = decoded("x");
        const auto y = decoded("y");
        if (!name || !x || !y) return "a key of type EC has no readable crv, x and y";
        for (const Curve& curve : kCurves)
            if (curve.name == *name) return read_point(curve, *x, *y);
        return {};
    }

    std::optional<Problem> read_point(const Curve& curve, const std::string& x, const std::string& y) {
        if (x.size() > curve.size || y.size() > curve.size) return "a key of type EC is no point of its curve";
        const auto d = private_part();
        Material material;
        material.add_name(OSSL_PKEY_PARAM_GROUP_NAME, curve.group);
        const std::string point = "\x04" + padded(x, curve.size) + padded(y, curve.size);
        material.add_bytes(OSSL_PKEY_PARAM_PUB_KEY, point);
        if (d) material.add_number(OSSL_PKEY_PARAM_PRIV_KEY, *d);
        key_.pair = material.make("EC", selection(d.has_value()));
        if (!key_.pair) return "a key of type EC is no point of its curve";
        key_.can_sign = d.has_value();
        key_.type = curve.type;
        return {};
    }

    std::optional<Problem> read_okp() {
        const auto name = text("crv");
        const auto x = decoded("x");
        if (!name || !x) return "a key of type OKP has no readable crv and x";
        const bool is_25519 = *name == "Ed25519";
        if (!is_25519 && *name != "Ed448") return {};
        const int type = is_25519 ? EVP_PKEY_ED25519 : EVP_PKEY_ED448;
        if (begins_with_small_order(*x, type)) return "a key of type OKP is a point of small order";
        const auto d = private_part();
        key_.pair.reset(d ? EVP_PKEY_new_raw_private_key(type, nullptr, bytes(*d), d->size())
                          : EVP_PKEY_new_raw_public_key(type, nullptr, bytes(*x), x->size()));
        if (!key_.pair) return "a key of type OKP cannot be used";
        key_.can_sign = d.has_value();
        key_.type = KeyType::Edwards;
        return {};
    }

    const json::Value& object_;
    const Half half_;
    Key key_;
};

}  // namespace

bool Key::suits(const Algorithm& wanted, const std::optional<std::string>& wanted_kid) const {
    if (for_encryption || (wanted_kid && kid != wanted_kid)) return false;
    if (algorithm && *algorithm != wanted.name) return false;
    if (text_secret && wanted.name != "HS256") return false;
    return type == wanted.type;
}

bool Key::verify(const Algorithm& with, std::string_view data, std::string_view signature) const {
    if (type == KeyType::Secret) return equal_in_constant_time(signature, hmac_sha2(with.bits, secret, data));
    return pair && verify_signature(pair.get(), with, data, signature);
}

std::optional<std::string> Key::sign(const Algorithm& with, std::string_view data) const {
    if (type == KeyType::Secret) return hmac_sha2(with.bits, secret, data);
    return pair ? make_signature(pair.get(), with, data) : std::nullopt;
}

std::variant<Key, std::string> read_jwk(const json::Value& object, Half half) {
    auto key = Reader(object, half).read();
    if (std::holds_alternative<std::string>(key)) ERR_clear_error();
    return key;
}

}  // namespace pgrest::auth

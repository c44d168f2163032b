// The keys that tokens are verified with: a text secret, a JWK, or a JWK set (RFC 7517). Parsed once per configuration.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/jwk.h"

namespace pgrest::auth {

class KeySet {
public:
    // secret: the bytes after base64 and files have been dealt with. Why they cannot serve, when they cannot.
    static std::variant<std::shared_ptr<const KeySet>, std::string> parse(std::string_view secret,
                                                                          Half half = Half::Public);

    enum class Outcome { Verified, NoKey, WrongSignature };
    // Tries the keys that suit algorithm and kid (RFC 7515 section 4.1.4), in order.
    Outcome verify(std::string_view algorithm, const std::optional<std::string>& kid, std::string_view signed_part,
                   std::string_view signature) const;

    // The first key that can sign with it; nullptr when there is none. Of a set that was parsed with the private half.
    const Key* signing_key(const Algorithm& algorithm) const;

    // One text, no JSON Web Key.
    bool is_text() const { return keys_.size() == 1 && keys_.front().text_secret; }
    // A text secret of fewer than 32 bytes (RFC 7518 section 3.2 asks for at least that many).
    bool is_short_secret() const;

    // Length in bytes of the shortest key that is a secret; nothing when all of them are public.
    std::optional<std::size_t> shortest_secret() const;

private:
    std::vector<Key> keys_;
};

}  // namespace pgrest::auth

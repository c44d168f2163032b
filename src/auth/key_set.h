// The keys that tokens are verified with: a text secret, a JWK, or a JWK set (RFC 7517). Parsed once per configuration.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgrest::auth {

class KeySet {
public:
    // What a key can be asked to verify.
    enum class Type { Secret, Rsa, Ec256, Ec384, Ec521, Ed25519, Ed448, Unknown };

    struct Key;

    // secret: the bytes after base64 and files have been dealt with. Why they cannot serve, when they cannot.
    static std::variant<std::shared_ptr<const KeySet>, std::string> parse(std::string_view secret);

    KeySet();
    ~KeySet();
    KeySet(KeySet&&) noexcept;
    KeySet(const KeySet&) = delete;
    KeySet& operator=(const KeySet&) = delete;

    enum class Outcome { Verified, NoKey, WrongSignature };
    // Tries the keys that suit algorithm and kid (RFC 7515 section 4.1.4), in order.
    Outcome verify(std::string_view algorithm, const std::optional<std::string>& kid, std::string_view signed_part,
                   std::string_view signature) const;

    // A text secret of fewer than 32 bytes (RFC 7518 section 3.2 asks for at least that many).
    bool is_short_secret() const;

    // Length in bytes of the shortest key that is a secret; nothing when all of them are public.
    std::optional<std::size_t> shortest_secret() const;

private:
    std::vector<Key> keys_;
};

// Is it one of the algorithms that some key could verify?
bool is_known_algorithm(std::string_view algorithm);

}  // namespace pgrest::auth

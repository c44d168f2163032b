// Tokens that were valid until something changed them, many thousands of them: none is accepted.
#include <random>
#include <set>

#include "../generated_keys.h"
#include "tokens.h"

namespace pgrest {
namespace {

constexpr std::size_t kMutants = 12000;

class Mutator {
public:
    explicit Mutator(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}

    // A token that differs from every valid one.
    std::string next() {
        while (true) {
            std::string token = tokens_[number(tokens_.size())];
            const std::size_t changes = 1 + number(3);
            for (std::size_t i = 0; i < changes; ++i)
                change(token);
            if (std::find(tokens_.begin(), tokens_.end(), without_blanks(token)) == tokens_.end()) return token;
        }
    }

private:
    static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    // Blanks around a token are the header's, not the token's.
    static std::string without_blanks(const std::string& token) {
        const std::size_t first = token.find_first_not_of(" \t");
        return first == std::string::npos ? "" : token.substr(first, token.find_last_not_of(" \t") - first + 1);
    }

    std::size_t number(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }

    void change(std::string& token) {
        if (token.empty()) return;
        const std::size_t at = number(token.size());
        switch (number(12)) {
            case 0:  // a bit
                token[at] = static_cast<char>(token[at] ^ (1 << number(8)));
                return;
            case 1:  // a character of the alphabet
                token[at] = kAlphabet[number(kAlphabet.size())];
                return;
            case 2:
                token.erase(at, 1 + number(4));
                return;
            case 3:
                token.insert(at, 1, kAlphabet[number(kAlphabet.size())]);
                return;
            case 4:  // what is not of the alphabet
                token.insert(at, 1, "=+/. \t\n,%\0"[number(10)]);
                return;
            case 5:
                std::swap(token[at], token[number(token.size())]);
                return;
            case 6:
                token.resize(at);
                return;
            case 7:  // another way to write the last bits of a part
                last_bits(token);
                return;
            case 8:
                token += std::string(1 + number(2), '=');
                return;
            case 9:
                other_parts(token);
                return;
            default:
                change_decoded(token);
        }
    }

    void last_bits(std::string& token) {
        const std::size_t dot = token.find('.', number(token.size()));
        const std::size_t last = (dot == std::string::npos ? token.size() : dot);
        if (last == 0) return;
        const std::size_t value = kAlphabet.find(token[last - 1]);
        if (value != std::string_view::npos) token[last - 1] = kAlphabet[value ^ (1 + number(15))];
    }

    static std::vector<std::string> split(const std::string& token) {
        std::vector<std::string> parts(1);
        for (const char c : token) {
            if (c == '.')
                parts.emplace_back();
            else
                parts.back() += c;
        }
        return parts;
    }
    static std::string join(const std::vector<std::string>& parts) {
        std::string token;
        for (const std::string& part : parts)
            token += (&part == &parts.front() ? "" : ".") + part;
        return token;
    }

    // A part of another valid token in its place, or the parts in another order.
    void other_parts(std::string& token) {
        std::vector<std::string> parts = split(token);
        const std::vector<std::string> others = split(tokens_[number(tokens_.size())]);
        const std::size_t i = number(parts.size());
        if (number(3) == 0)
            std::swap(parts[i], parts[number(parts.size())]);
        else
            parts[i] = others[number(others.size())];
        token = join(parts);
    }

    // A byte of the header, the claims or the signature, encoded rightly.
    void change_decoded(std::string& token) {
        std::vector<std::string> parts = split(token);
        std::string& part = parts[number(parts.size())];
        auto decoded = auth::base64url_decode(part);
        if (!decoded || decoded->empty()) return;
        const std::size_t at = number(decoded->size());
        const std::size_t what = number(3);
        if (what == 0) (*decoded)[at] = static_cast<char>((*decoded)[at] ^ (1 << number(8)));
        if (what == 1) decoded->insert(at, 1, "\" {}[]:,0\0"[number(10)]);
        if (what == 2) decoded->erase(at, 1);
        part = auth::base64url_encode(*decoded);
        token = join(parts);
    }

    const std::vector<std::string> tokens_;
    std::mt19937 random_{20261125};  // the same every time
};

struct Valid {
    std::string keys = R"({"keys":[)";
    std::vector<std::string> tokens;

    void add(const std::string& jwk, std::initializer_list<const char*> algorithms) {
        const std::string kid = "\"kid\":\"" + std::to_string(tokens.size()) + "\"";
        const std::string named = test::with(jwk, kid);
        keys += (tokens.empty() ? "" : ",") + named;
        for (const char* algorithm : algorithms)
            tokens.push_back(auth::sign(R"({"role":"clerk","exp":4102444800})", named, algorithm));
    }
};

TEST(Malformed, NoneOfManyThousandsIsAccepted) {
    Valid valid;
    valid.add(test::oct_key(), {"HS256", "HS384", "HS512"});
    valid.add(test::rsa_key(), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"});
    valid.add(test::ec_key("P-256"), {"ES256"});
    valid.add(test::ec_key("P-384"), {"ES384"});
    valid.add(test::ec_key("P-521"), {"ES512"});
    valid.add(test::okp_key("Ed25519"), {"EdDSA"});
    valid.add(test::okp_key("Ed448"), {"EdDSA"});
    const auto settings = configured({{"jwt_secret", valid.keys + "]}"}});
    auth::TokenCache cache;
    for (const std::string& token : valid.tokens)
        EXPECT_EQ(auth::authenticate(bearer(token), *settings, cache, kNow).role, "clerk");
    Mutator mutator(valid.tokens);
    std::set<std::string> seen;
    while (seen.size() < kMutants) {
        const std::string token = mutator.next();
        if (!seen.insert(token).second) continue;
        const std::string code = code_of([&] { auth::authenticate(bearer(token), *settings, cache, kNow); });
        ASSERT_TRUE(code == "PGRST301" || code == "PGRST303") << code << ": " << token;
    }
}

}  // namespace
}  // namespace pgrest

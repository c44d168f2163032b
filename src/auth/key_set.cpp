#include "auth/key_set.h"

#include <algorithm>

namespace pgrest::auth {

namespace {

// A key that was damaged, not a random secret that happens to begin with a brace.
bool looks_like_key(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '{') return false;
    return json::parse(text) || text.find("\"kty\"") != std::string_view::npos ||
           text.find("\"keys\"") != std::string_view::npos;
}

Key text_key(std::string_view secret) {
    Key key;
    key.type = KeyType::Secret;
    key.text_secret = true;
    key.can_sign = true;
    key.secret = std::string(secret);
    return key;
}

}  // namespace

std::variant<std::shared_ptr<const KeySet>, std::string> KeySet::parse(std::string_view secret, Half half) {
    auto set = std::make_shared<KeySet>();
    const auto object = json::parse(secret);
    const bool is_object = object && object->kind == json::Kind::Object;
    const auto keys = is_object ? json::member(*object, "keys") : std::nullopt;
    const bool is_set = keys && keys->kind == json::Kind::Array;
    const bool is_key = is_object && json::member(*object, "kty").has_value();
    if (!is_set && !is_key && looks_like_key(secret))
        return "it looks like a JSON Web Key, but is neither a readable key nor a set of keys";
    if (!is_set && !is_key) {
        set->keys_.push_back(text_key(secret));
        return std::shared_ptr<const KeySet>(std::move(set));
    }
    for (const json::Value& element : is_set ? json::elements(*keys) : std::vector<json::Value>{*object}) {
        if (element.kind != json::Kind::Object) return "an element of keys is no object";
        auto key = read_jwk(element, half);
        if (const auto* problem = std::get_if<std::string>(&key)) return *problem;
        set->keys_.push_back(std::get<Key>(std::move(key)));
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

const Key* KeySet::signing_key(const Algorithm& algorithm) const {
    const auto found = std::find_if(keys_.begin(), keys_.end(),
                                    [&](const Key& key) { return key.can_sign && key.suits(algorithm, {}); });
    return found == keys_.end() ? nullptr : &*found;
}

bool KeySet::is_short_secret() const {
    constexpr std::size_t kLeast = 32;
    return is_text() && keys_.front().secret.size() < kLeast;
}

std::optional<std::size_t> KeySet::shortest_secret() const {
    std::optional<std::size_t> shortest;
    for (const Key& key : keys_)
        if (key.type == KeyType::Secret) shortest = std::min(shortest.value_or(key.secret.size()), key.secret.size());
    return shortest;
}

}  // namespace pgrest::auth

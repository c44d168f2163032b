// Verified tokens by their text, the rarely used ones dropped first (SIEVE, Zhang et al., NSDI 2024). Pure C++.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/authenticator.h"
#include "auth/claims.h"
#include "auth/key_set.h"

namespace pgrest::auth {

struct TokenCache::Impl {
    struct Entry {
        std::string token;
        Claims claims;
        Identity identity;
        std::uint64_t generation = 0;  // of the configuration that the identity was made under
        bool visited = false;
    };

    // The entry of a token; nullptr when it is not known. Forgets everything when the keys are others than before.
    Entry* find(std::string_view token, const std::shared_ptr<const KeySet>& keys, std::int64_t capacity);
    // Only after find() with the same arguments.
    Entry* add(std::string_view token, Claims claims, std::int64_t capacity);

private:
    void shrink(std::size_t capacity);
    void evict();

    std::list<Entry> entries_;  // newest first
    std::list<Entry>::iterator hand_ = entries_.end();
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_token_;
    std::shared_ptr<const KeySet> keys_;
};

}  // namespace pgrest::auth

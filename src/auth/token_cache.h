// Verified tokens by their text, the rarely used ones dropped first (SIEVE, Zhang et al., NSDI 2024). Bounded in
// number, and in memory: there is room for so many tokens of ordinary size, and for fewer large ones. Pure C++.
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
        std::size_t bytes = 0;  // that it counts for
    };

    // The entry of a token; nullptr when it is not known. Forgets everything when the keys are others than before.
    Entry* find(std::string_view token, const std::shared_ptr<const KeySet>& keys, std::int64_t capacity);
    // Only after find() with the same arguments. nullptr when there is no room for it.
    Entry* add(std::string_view token, Claims claims, std::int64_t capacity);

    std::size_t size() const { return entries_.size(); }
    std::size_t bytes() const { return bytes_; }

private:
    void shrink(std::size_t most_entries, std::size_t most_bytes);
    void evict();

    std::list<Entry> entries_;  // newest first
    std::list<Entry>::iterator hand_ = entries_.end();
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_token_;
    std::shared_ptr<const KeySet> keys_;
    std::size_t bytes_ = 0;  // that the entries count for
};

}  // namespace pgrest::auth

#include "auth/token_cache.h"

namespace pgrest::auth {

TokenCache::TokenCache() : impl_(std::make_unique<Impl>()) {}
TokenCache::~TokenCache() = default;

TokenCache::Impl::Entry* TokenCache::Impl::find(std::string_view token, const std::shared_ptr<const KeySet>& keys,
                                                std::int64_t capacity) {
    if (keys != keys_) {
        by_token_.clear();
        entries_.clear();
        hand_ = entries_.end();
        keys_ = keys;
    }
    shrink(capacity > 0 ? static_cast<std::size_t>(capacity) : 0);
    const auto found = by_token_.find(token);
    if (found == by_token_.end()) return nullptr;
    found->second->visited = true;
    return &*found->second;
}

TokenCache::Impl::Entry* TokenCache::Impl::add(std::string_view token, Claims claims, std::int64_t capacity) {
    if (capacity <= 0) return nullptr;
    shrink(static_cast<std::size_t>(capacity) - 1);
    entries_.push_front(Entry{std::string(token), std::move(claims), {}, 0, false});
    by_token_.emplace(entries_.front().token, entries_.begin());
    return &entries_.front();
}

void TokenCache::Impl::shrink(std::size_t capacity) {
    while (entries_.size() > capacity)
        evict();
}

// From the hand towards newer entries: a visited one gets another round, the first that is not goes.
void TokenCache::Impl::evict() {
    if (hand_ == entries_.end()) hand_ = std::prev(entries_.end());
    while (hand_->visited) {
        hand_->visited = false;
        hand_ = hand_ == entries_.begin() ? std::prev(entries_.end()) : std::prev(hand_);
    }
    const auto victim = hand_;
    const bool at_newest = victim == entries_.begin();
    hand_ = at_newest ? entries_.end() : std::prev(victim);
    by_token_.erase(victim->token);
    entries_.erase(victim);
}

}  // namespace pgrest::auth

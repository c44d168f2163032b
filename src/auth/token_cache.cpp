#include "auth/token_cache.h"

#include <algorithm>
#include <cstdint>

namespace pgrest::auth {

namespace {

constexpr std::size_t kOrdinaryBytes = 16384;  // more than most tokens need, with their claims as sent and for SQL

std::size_t entries_of(std::int64_t capacity) {
    return capacity > 0 ? static_cast<std::size_t>(capacity) : 0;
}

std::size_t bytes_of(std::int64_t capacity) {
    return std::min(entries_of(capacity), SIZE_MAX / kOrdinaryBytes) * kOrdinaryBytes;
}

}  // namespace

TokenCache::TokenCache() : impl_(std::make_unique<Impl>()) {}
TokenCache::~TokenCache() = default;

TokenCache::Impl::Entry* TokenCache::Impl::find(std::string_view token, const std::shared_ptr<const KeySet>& keys,
                                                std::int64_t capacity) {
    if (keys != keys_) {
        by_token_.clear();
        entries_.clear();
        hand_ = entries_.end();
        bytes_ = 0;
        keys_ = keys;
    }
    shrink(entries_of(capacity), bytes_of(capacity));
    const auto found = by_token_.find(token);
    if (found == by_token_.end()) return nullptr;
    found->second->visited = true;
    return &*found->second;
}

TokenCache::Impl::Entry* TokenCache::Impl::add(std::string_view token, Claims claims, std::int64_t capacity) {
    const std::size_t bytes = token.size() + 2 * claims.text.size();
    if (capacity <= 0 || bytes > bytes_of(capacity)) return nullptr;
    shrink(entries_of(capacity) - 1, bytes_of(capacity) - bytes);
    entries_.push_front(Entry{std::string(token), std::move(claims), {}, 0, false, bytes});
    by_token_.emplace(entries_.front().token, entries_.begin());
    bytes_ += bytes;
    return &entries_.front();
}

void TokenCache::Impl::shrink(std::size_t most_entries, std::size_t most_bytes) {
    while (entries_.size() > most_entries || bytes_ > most_bytes)
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
    bytes_ -= victim->bytes;
    entries_.erase(victim);
}

}  // namespace pgrest::auth

#include "api/object_keys.h"

#include <algorithm>

namespace pgrest::api {

namespace {

void sort_and_cut(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (names.size() > kMostKeys) names.resize(kMostKeys);
}

// The name's bytes when its text has no escapes.
bool is_plain(std::string_view key_text) {
    return key_text.find('\\') == std::string_view::npos;
}

std::string name_of(std::string_view key_text) {
    if (is_plain(key_text)) return std::string(key_text.substr(1, key_text.size() - 2));
    return json::string_of({json::Kind::String, key_text});
}

}  // namespace

std::vector<std::string> keys_of(const json::Value& object) {
    std::vector<std::string> names;
    json::Walk walk(object);
    json::Value value;
    bool cut = false;
    for (std::string_view key; walk.next(key, value);) {
        // all that come after the last of those that are kept are left out again
        if (cut && is_plain(key) && key.substr(1, key.size() - 2) >= names[kMostKeys - 1]) continue;
        names.push_back(name_of(key));
        if (names.size() < 2 * kMostKeys) continue;
        sort_and_cut(names);
        cut = names.size() == kMostKeys;
    }
    sort_and_cut(names);
    return names;
}

SameKeys::SameKeys(const json::Value& first) : sorted_(keys_of(first)) {
    json::Walk walk(first);
    json::Value value;
    for (std::string_view key; walk.next(key, value);) {
        if (in_order_.size() == kMostKeys) {
            in_order_.clear();
            return;
        }
        in_order_.push_back(name_of(key));
    }
}

bool SameKeys::in_the_same_order(const json::Value& object) const {
    json::Walk walk(object);
    json::Value value;
    std::size_t at = 0;
    for (std::string_view key; walk.next(key, value); ++at) {
        if (at == in_order_.size()) return false;
        if (!is_plain(key) || key.substr(1, key.size() - 2) != in_order_[at]) return false;
    }
    return at == in_order_.size();
}

bool SameKeys::hold_for(const json::Value& object) const {
    return in_the_same_order(object) || keys_of(object) == sorted_;
}

}  // namespace pgrest::api

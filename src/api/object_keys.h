// The names of the members of objects in a body that json::parse() has accepted. Pure C++; memory is bounded whatever
// the number of names, apart from the length of a single one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "json/json.h"

namespace pgrest::api {

// More than a relation has columns or a function parameters. Of more names, so many are enough to refuse them: the
// first in the order of their bytes.
inline constexpr std::size_t kMostKeys = 2000;

// Sorted and unique.
std::vector<std::string> keys_of(const json::Value& object);

// Compares objects with the first one that was shown: rows mostly have the same names in the same order.
class SameKeys {
public:
    explicit SameKeys(const json::Value& first);
    bool hold_for(const json::Value& object) const;
    std::vector<std::string> take() { return std::move(sorted_); }

private:
    bool in_the_same_order(const json::Value& object) const;

    std::vector<std::string> in_order_;  // as they stand; empty when there are too many
    std::vector<std::string> sorted_;
};

}  // namespace pgrest::api

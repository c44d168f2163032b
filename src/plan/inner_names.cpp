#include "plan/inner_names.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace pgrest::plan {

namespace {

constexpr std::size_t kLongestName = 63;
// PostgreSQL measures in the database's encoding, where a character beyond ASCII takes up to four bytes.
constexpr std::size_t kWidestCharacter = 4;
constexpr std::string_view kPrefix = "pgrst";

bool begins_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

bool is_kept_whole(std::string_view name) {
    std::size_t size = 0;
    for (char c : name) {
        if (static_cast<unsigned char>(c) < 0x80)
            ++size;
        else if (begins_character(c))
            size += kWidestCharacter;
    }
    return size <= kLongestName;
}

// The N of pgrstN_..., 0 for pgrst_...; nothing for any other name.
bool read_number(std::string_view name, int& number) {
    if (name.substr(0, kPrefix.size()) != kPrefix) return false;
    name.remove_prefix(kPrefix.size());
    number = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
    const auto digits = static_cast<std::size_t>(read.ptr - name.data());
    return digits < name.size() && name[digits] == '_' && (digits == 0 || read.ec == std::errc());
}

}  // namespace

std::string InnerNames::table(std::string wanted, std::initializer_list<std::string_view> others) {
    const auto is_free = [&](std::string_view name) {
        return std::find(others.begin(), others.end(), name) == others.end();
    };
    if (is_kept_whole(wanted) && is_free(wanted)) return wanted;
    // ends as no wanted name does, which have the depth of their level at the end
    std::string name;
    do
        name = std::string(kPrefix) + "_" + std::to_string(++made_) + "_";
    while (!is_free(name));
    return name;
}

std::string unused_prefix(const std::vector<std::string>& names) {
    std::set<int> used;
    int number = 0;
    for (const std::string& name : names)
        if (read_number(name, number)) used.insert(number);
    number = 0;
    while (used.count(number))
        ++number;
    return std::string(kPrefix) + (number ? std::to_string(number) : "") + "_";
}

}  // namespace pgrest::plan

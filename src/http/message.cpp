#include "http/message.h"

#include <algorithm>

namespace pgrest::http {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) {
    constexpr std::string_view symbols = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               symbols.find(c) != std::string_view::npos;
    });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
    for (const Header& header : headers)
        if (same_name(header.name, name)) return header.value;
    return {};
}

void set_header(Headers& headers, std::string_view name, std::string_view value) {
    headers.erase(std::remove_if(headers.begin(), headers.end(),
                                 [&](const Header& header) { return same_name(header.name, name); }),
                  headers.end());
    headers.push_back({std::string(name), std::string(value)});
}

}  // namespace pgrest::http

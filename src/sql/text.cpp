#include "sql/text.h"

namespace pgrest::sql {

namespace {

void append_quoted(std::string& out, std::string_view identifier) {
    identifier = identifier.substr(0, identifier.find('\0'));
    out += '"';
    for (char c : identifier) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

}  // namespace

Text& Text::name(std::string_view identifier) {
    append_quoted(text_, identifier);
    return *this;
}

Text& Text::value(std::string_view text) {
    values_.emplace_back(text);
    placeholder(values_.size());
    return *this;
}

Text& Text::owned_value(std::string text) {
    owned_.push_back(std::move(text));
    return value(owned_.back());
}

Text& Text::null_value() {
    values_.emplace_back(std::nullopt);
    placeholder(values_.size());
    return *this;
}

Text& Text::list(const std::vector<std::string>& elements) {
    lists_.push_back(values_.size());
    return owned_value(array_literal(elements));
}

Text& Text::shared_key(std::string_view text, bool is_index) {
    const auto [place, added] = shared_keys_.try_emplace({text, is_index}, values_.size() + 1);
    if (added) values_.emplace_back(text);
    placeholder(place->second);
    return *this;
}

void Text::placeholder(std::size_t number) {
    text_ += '$';
    text_ += std::to_string(number);
}

std::string quoted(std::string_view identifier) {
    std::string out;
    append_quoted(out, identifier);
    return out;
}

std::string name_beside(std::string_view wanted, std::string_view other) {
    std::string name(wanted);
    if (name == other) name += '_';
    return name;
}

std::string array_literal(const std::vector<std::string>& elements) {
    std::string out = "{";
    for (const std::string& element : elements) {
        if (out.size() > 1) out += ',';
        out += '"';
        for (char c : element) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

}  // namespace pgrest::sql

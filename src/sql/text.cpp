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
    placeholder();
    return *this;
}

Text& Text::owned_value(std::string text) {
    owned_.push_back(std::move(text));
    return value(owned_.back());
}

Text& Text::null_value() {
    values_.emplace_back(std::nullopt);
    placeholder();
    return *this;
}

void Text::placeholder() {
    text_ += '$';
    text_ += std::to_string(values_.size());
}

std::string quoted(std::string_view identifier) {
    std::string out;
    append_quoted(out, identifier);
    return out;
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

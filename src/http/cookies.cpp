// request.headers and request.cookies: what SQL learns of the request's fields.
#include <utility>
#include <vector>

#include "http/admission.h"
#include "json/json.h"

namespace pgrest::http {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Of a repeated name the last value counts.
void put(Pairs& pairs, std::string name, std::string value) {
    for (auto& known : pairs) {
        if (known.first != name) continue;
        known.second = std::move(value);
        return;
    }
    pairs.emplace_back(std::move(name), std::move(value));
}

std::string as_object(const Pairs& pairs) {
    std::string out = "{";
    for (const auto& [name, value] : pairs) {
        if (out.size() > 1) out += ',';
        json::append_string(out, name);
        out += ':';
        json::append_string(out, value);
    }
    return out + "}";
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

std::string_view unquoted(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') return value.substr(1, value.size() - 2);
    return value;
}

void put_cookie(Pairs& pairs, std::string_view piece) {
    while (!piece.empty() && piece.front() == ' ')
        piece.remove_prefix(1);
    if (piece.empty()) return;
    const std::size_t equals = piece.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    put(pairs, std::string(piece.substr(0, equals)), std::string(unquoted(value)));
}

}  // namespace

std::string headers_as_json(const Headers& headers) {
    Pairs pairs;
    pairs.reserve(headers.size());
    for (const Header& header : headers)
        if (!same_name(header.name, "Cookie")) put(pairs, lower(header.name), header.value);
    return as_object(pairs);
}

std::string cookies_as_json(const Headers& headers) {
    Pairs pairs;
    std::string_view rest = find_header(headers, "Cookie").value_or("");
    while (!rest.empty()) {
        const std::size_t end = rest.find(';');
        put_cookie(pairs, rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return as_object(pairs);
}

}  // namespace pgrest::http

// request.headers and request.cookies: what SQL learns of the request's fields.
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/admission.h"
#include "json/json.h"

namespace pgrest::http {

namespace {

// The members of an object in the order in which their names came; of a repeated name the last value counts. The index
// keeps a request of thousands of short cookies cheap.
class Members {
public:
    void put(std::string name, std::string_view value) {
        const auto [known, fresh] = index_.try_emplace(name, pairs_.size());
        if (fresh)
            pairs_.emplace_back(std::move(name), value);
        else
            pairs_[known->second].second = value;
    }

    std::string as_object() const {
        std::string out = "{";
        for (const auto& [name, value] : pairs_) {
            if (out.size() > 1) out += ',';
            json::append_string(out, name);
            out += ':';
            json::append_string(out, value);
        }
        return out + "}";
    }

private:
    std::vector<std::pair<std::string, std::string>> pairs_;
    std::unordered_map<std::string, std::size_t> index_;
};

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

void put_cookie(Members& cookies, std::string_view piece) {
    while (!piece.empty() && piece.front() == ' ')
        piece.remove_prefix(1);
    if (piece.empty()) return;
    const std::size_t equals = piece.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    cookies.put(std::string(piece.substr(0, equals)), unquoted(value));
}

}  // namespace

std::string headers_as_json(const Headers& headers) {
    Members members;
    for (const Header& header : headers)
        if (!same_name(header.name, "Cookie")) members.put(lower(header.name), header.value);
    return members.as_object();
}

std::string cookies_as_json(const Headers& headers) {
    Members cookies;
    std::string_view rest = find_header(headers, "Cookie").value_or("");
    while (!rest.empty()) {
        const std::size_t end = rest.find(';');
        put_cookie(cookies, rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return cookies.as_object();
}

}  // namespace pgrest::http

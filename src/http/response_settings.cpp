#include "http/response_settings.h"

#include <algorithm>

#include "http/error.h"
#include "json/json.h"

namespace pgrest::http {

namespace {

bool is_field_value(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

[[noreturn]] void fail_headers() {
    fail("PGRST111", "The setting response.headers is not a JSON array of objects with one string each", {}, {});
}

}  // namespace

int parse_response_status(std::string_view text) {
    int status = 0;
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        if (status < 100000) status = status * 10 + (text[digits] - '0');
        ++digits;
    }
    if (digits == 0) fail("PGRST112", "The setting response.status does not begin with a number");
    return status;
}

Headers parse_response_headers(std::string_view text) {
    const auto array = json::parse(text);
    if (!array || array->kind != json::Kind::Array) fail_headers();
    Headers headers;
    for (const json::Value& element : json::elements(*array)) {
        if (element.kind != json::Kind::Object) fail_headers();
        const auto members = json::members(element);
        if (members.size() != 1 || members.front().value.kind != json::Kind::String) fail_headers();
        std::string value = json::string_of(members.front().value);
        // what would split the answer is refused, whatever role wrote it
        if (!is_token(members.front().key) || !is_field_value(value)) fail_headers();
        headers.push_back({members.front().key, std::move(value)});
    }
    return headers;
}

void replace_headers(Headers& headers, const Headers& custom) {
    headers.erase(std::remove_if(headers.begin(), headers.end(),
                                 [&](const Header& header) { return find_header(custom, header.name).has_value(); }),
                  headers.end());
    headers.insert(headers.end(), custom.begin(), custom.end());
}

}  // namespace pgrest::http

// request.headers and request.cookies: whatever the fields hold, SQL sees a JSON object of strings. Lines are fields.
#include <set>

#include "check.h"
#include "http/admission.h"

using namespace pgrest;

namespace {

std::size_t check_object(const std::string& text) {
    const json::Value object = fuzz::require_json(text, json::Kind::Object, "the setting is a JSON object");
    std::set<std::string> names;
    for (const json::Member& member : json::members(object)) {
        fuzz::require(member.value.kind == json::Kind::String, "every value is a string");
        // names that are no UTF-8 can look alike when they are written
        const bool replaced = member.key.find("\xEF\xBF\xBD") != std::string::npos;
        fuzz::require(names.insert(member.key).second || replaced, "no name stands twice");
    }
    return json::members(object).size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    http::Headers headers;
    std::size_t pieces = 1;
    while (!input.at_end()) {
        const std::string_view line = input.line();
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        headers.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 1))});
        for (const char c : line)
            pieces += c == ';';
    }
    fuzz::require(check_object(http::headers_as_json(headers)) <= headers.size(), "no header is invented");
    const std::string cookies = http::cookies_as_json(headers);
    fuzz::require(check_object(cookies) <= pieces, "no cookie is invented");

    headers.insert(headers.begin(), {"Cookie", "first=1; last=\"2\"; first=3"});
    fuzz::require(http::cookies_as_json(headers) == R"({"first":"3","last":"2"})",
                  "the first Cookie header counts, and of a cookie the last value");
    return 0;
}

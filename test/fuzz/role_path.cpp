// The path to the role, in both syntaxes. The first line is the path, the rest the claims: a path of the older syntax
// finds what the same path written as a JSON Path finds.
#include "auth/role_path.h"
#include "check.h"

using namespace pgrest;

namespace {

// .a."b"[0] as $['a']['b'][0]; nothing for filters, which have no counterpart.
std::optional<std::string> as_json_path(std::string_view dotted) {
    std::string out = "$";
    while (!dotted.empty()) {
        std::size_t end = dotted.find_first_of(".[", 1);
        if (dotted.substr(0, 2) == ".\"") {
            const std::size_t close = dotted.find('"', 2);
            std::string key;
            json::append_string(key, dotted.substr(2, close - 2));
            out += "[" + key + "]";
            end = close + 1;
        } else if (dotted.front() == '[') {
            const std::size_t digits = dotted.find_first_not_of('0', 1);
            if (dotted.substr(0, 3) == "[?(") return {};
            const std::string_view number = dotted.substr(digits, dotted.find(']') - digits);
            out += "[" + std::string(number.empty() ? "0" : number) + "]";
            end = dotted.find(']') + 1;
        } else {
            std::string key;
            json::append_string(key, dotted.substr(1, end == std::string_view::npos ? end : end - 1));
            out += "[" + key + "]";
        }
        dotted = end >= dotted.size() ? std::string_view() : dotted.substr(end);
    }
    return out;
}

void check_both_syntaxes(std::string_view text, std::string_view claims, const std::optional<std::string>& found) {
    const auto translated = as_json_path(text);
    if (!translated) return;
    const auto path = auth::RolePath::parse(*translated);
    fuzz::require(path && !path->is_deprecated(), "a dotted path can be written as a JSON Path");
    fuzz::require(path->find(claims) == found, "both syntaxes find the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::string_view text = input.line();
    const std::string_view claims = input.rest();
    if (text.find("search") != std::string_view::npos) return 0;  // see json_path.cpp
    const auto path = auth::RolePath::parse(text);
    if (!path) return 0;
    fuzz::require(path->is_deprecated() || text.front() == '$', "a JSON Path begins with $");
    const auto found = path->find(claims);
    fuzz::require(!found || json::parse(claims).has_value(), "only claims name a role");
    if (path->is_deprecated() && json::valid_utf8(text)) check_both_syntaxes(text, claims, found);
    return 0;
}

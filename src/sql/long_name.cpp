#include "sql/long_name.h"

namespace pgrest::sql {

namespace {

// What stands between quotes that are doubled inside, beginning behind the first one; goes behind the last.
std::string take_quoted(std::string_view& rest, char quote) {
    std::string inside;
    while (!rest.empty()) {
        const char c = rest.front();
        rest.remove_prefix(1);
        if (c != quote) {
            inside += c;
            continue;
        }
        if (rest.empty() || rest.front() != quote) break;
        inside += quote;
        rest.remove_prefix(1);
    }
    return inside;
}

}  // namespace

std::optional<std::string> long_name(std::string_view text, std::size_t most) {
    for (std::string_view rest = text;;) {
        const std::size_t at = rest.find_first_of("\"'");
        if (at == std::string_view::npos) return {};
        const char quote = rest[at];
        const bool is_new = rest.substr(0, at).ends_with(" AS ");
        rest.remove_prefix(at + 1);
        std::string inside = take_quoted(rest, quote);
        if (quote == '"' && !is_new && inside.size() > most) return inside;
    }
}

}  // namespace pgrest::sql

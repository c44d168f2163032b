// Whole query strings: what a query means does not depend on empty pieces, its names are clean, its canonical form is
// canonical, and calls see the same filters as reads.
#include "api/parse.h"
#include "check.h"
#include "print.h"

using namespace pgrest;

namespace {

std::string print(const api::EmbedPath& path) {
    std::string out;
    for (const std::string& segment : path)
        out += fuzz::in_quotes(segment) + ".";
    return out;
}

std::string print(const std::optional<std::string>& text) {
    return text ? *text : "-";
}

std::string print(const std::optional<std::vector<std::string>>& names) {
    return names ? fuzz::joined(*names, [](const std::string& name) { return fuzz::in_quotes(name); }) : "-";
}

std::string print_without_arguments(const api::Query& query) {
    std::string out = fuzz::print(query.select) + "\n";
    for (const auto& filter : query.filters)
        out += print(filter.path) + fuzz::print(filter.value.field) + "=" + fuzz::print(filter.value.operation) + "\n";
    for (const auto& tree : query.trees)
        out += print(tree.path) + (tree.value.negated ? "not." : "") + (tree.value.any ? "or" : "and") +
               fuzz::print(tree.value) + "\n";
    for (const auto& order : query.orders)
        out += print(order.path) + fuzz::print(order.value) + "\n";
    out += print(query.root_range.limit) + " " + print(query.root_range.offset) + "\n";
    for (const auto& range : query.embed_ranges)
        out += print(range.path) + print(range.value.limit) + " " + print(range.value.offset) + "\n";
    return out + print(query.columns) + " " + print(query.on_conflict) + "\n";
}

std::string print(const api::Query& query) {
    std::string out = print_without_arguments(query) + query.canonical + "\n";
    for (const auto& [name, value] : query.arguments)
        out += fuzz::in_quotes(name) + "=" + value + "\n";
    return out;
}

// Pairs in ascending order, each name once, everything encoded.
void check_canonical(std::string_view text) {
    std::string before;
    bool first = true;
    while (!text.empty()) {
        const std::size_t end = text.find('&');
        const std::string_view pair = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        const std::size_t equals = pair.find('=');
        fuzz::require(equals != std::string_view::npos, "a canonical pair has a value");
        const std::string name = api::percent_decode(pair.substr(0, equals), false);
        fuzz::require(api::percent_encode(name) == pair.substr(0, equals), "a canonical name is encoded");
        fuzz::require(first || before < name, "canonical names ascend");
        std::string value(pair.substr(equals + 1));
        for (char& c : value)
            if (c == ',') c = '-';
        fuzz::require(api::percent_encode(api::percent_decode(value, false)) == value, "a canonical value is encoded");
        before = name;
        first = false;
    }
}

void check_texts(const api::Query& query) {
    for (const auto& filter : query.filters)
        fuzz::require(filter.value.field.name.find('\0') == std::string::npos, "a name ends at a NUL");
    for (const auto& argument : query.arguments)
        fuzz::require(json::valid_utf8(argument.second), "an argument is UTF-8");
    for (const auto& limit : {query.root_range.limit, query.root_range.offset})
        fuzz::require(!limit || limit->find_first_not_of("-0123456789") == std::string::npos, "a limit is a number");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::whole(data, size));
    const auto parse = [](const std::string& query, api::PairMeaning meaning) {
        return fuzz::accepted({"PGRST100"}, [&] { return api::parse_query(query, meaning); });
    };
    const auto read = parse(text, api::PairMeaning::Filters);
    const auto call = parse(text, api::PairMeaning::FiltersAndArguments);
    fuzz::require(
        !read || (call && call->arguments.empty() && print_without_arguments(*call) == print_without_arguments(*read)),
        "a call sees the filters of a read");
    if (!call) return 0;
    check_canonical(call->canonical);
    check_texts(*call);
    const auto padded = parse("&;" + text + ";&", api::PairMeaning::FiltersAndArguments);
    fuzz::require(padded && print(*padded) == print(*call), "empty pieces mean nothing");
    return 0;
}

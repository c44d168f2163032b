#include <algorithm>
#include <map>
#include <set>

#include "api/cursor.h"
#include "api/names.h"
#include "api/operation.h"
#include "api/parse.h"
#include "http/error.h"
#include "json/json.h"

namespace pgrest::api {

namespace {

constexpr std::size_t kMaxPairs = 10000;

struct Pair {
    std::string name;
    std::string value;
    bool has_value = false;
};

[[noreturn]] void fail_encoding() {
    http::fail("PGRST100", "The query string is not valid UTF-8", "Percent-encode text as UTF-8.");
}

std::vector<Pair> split(std::string_view query) {
    std::vector<Pair> pairs;
    while (!query.empty()) {
        const std::size_t end = query.find_first_of("&;");
        const std::string_view piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (piece.empty()) continue;
        if (pairs.size() == kMaxPairs)
            http::fail("PGRST100", "The query string has more than " + std::to_string(kMaxPairs) + " parameters",
                       "Use an in list, or a function that takes a body.");
        const std::size_t equals = piece.find('=');
        Pair pair;
        pair.name = percent_decode(piece.substr(0, equals), true);
        pair.has_value = equals != std::string_view::npos;
        if (pair.has_value) pair.value = percent_decode(piece.substr(equals + 1), true);
        if (!json::valid_utf8(pair.name) || !json::valid_utf8(pair.value)) fail_encoding();
        pairs.push_back(std::move(pair));
    }
    return pairs;
}

std::string canonical(const std::vector<Pair>& pairs) {
    std::vector<const Pair*> sorted;
    sorted.reserve(pairs.size());
    for (const Pair& pair : pairs)
        sorted.push_back(&pair);
    std::stable_sort(sorted.begin(), sorted.end(), [](const Pair* a, const Pair* b) { return a->name < b->name; });
    std::string text;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i > 0 && sorted[i]->name == sorted[i - 1]->name) {
            text += ',' + percent_encode(sorted[i]->value);
            continue;
        }
        if (i > 0) text += '&';
        text += percent_encode(sorted[i]->name) + '=' + percent_encode(sorted[i]->value);
    }
    return text;
}

enum class Role { Select, Columns, OnConflict, Order, Limit, Offset, And, Or, Other };

Role role_of(std::string_view name) {
    if (name == "select") return Role::Select;
    if (name == "columns") return Role::Columns;
    if (name == "on_conflict") return Role::OnConflict;
    const std::size_t dot = name.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
    if (last == "order") return Role::Order;
    if (last == "limit") return Role::Limit;
    if (last == "offset") return Role::Offset;
    if (last == "and") return Role::And;
    if (last == "or") return Role::Or;
    return Role::Other;
}

// The names before the last one: a.b.order -> a, b.
EmbedPath path_before_last(const std::string& name) {
    EmbedPath path;
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return path;
    Cursor cursor(std::string_view(name).substr(0, dot), name);
    while (true) {
        path.push_back(need_name(cursor, "the name of an embed"));
        if (cursor.at_end()) return path;
        if (!cursor.take('.')) cursor.fail("a dot");
    }
}

bool is_whole_number(std::string_view text) {
    if (!text.empty() && text.front() == '-') text.remove_prefix(1);
    return !text.empty() && text.size() <= 40 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class QueryParser {
public:
    QueryParser(std::string_view text, PairMeaning meaning) : pairs_(split(text)), meaning_(meaning) {}

    Query parse() {
        query_.canonical = canonical(pairs_);
        // faults are reported in this order
        each(Role::Order, [&](const Pair& pair) { add_order(pair); });
        for (const Pair& pair : pairs_) {
            const Role role = role_of(pair.name);
            if (pair.has_value && (role == Role::And || role == Role::Or)) add_tree(pair, role == Role::Or);
        }
        each(Role::Columns, [&](const Pair& pair) {
            auto names = parse_name_list(pair.value);
            if (!query_.columns) query_.columns = std::move(names);
        });
        each(Role::Select, [&](const Pair& pair) { add_select(pair); });
        if (query_.select.empty()) query_.select.push_back(star());
        each(Role::Other, [&](const Pair& pair) { add_other(pair); });
        each(Role::OnConflict, [&](const Pair& pair) {
            auto names = parse_name_list(pair.value);
            if (!query_.on_conflict) query_.on_conflict = std::move(names);
        });
        each(Role::Limit, [&](const Pair& pair) { add_range(pair, true); });
        each(Role::Offset, [&](const Pair& pair) { add_range(pair, false); });
        return std::move(query_);
    }

private:
    template <typename F>
    void each(Role role, F call) {
        for (const Pair& pair : pairs_)
            if (pair.has_value && role_of(pair.name) == role) call(pair);
    }

    static SelectItem star() {
        SelectColumn column;
        column.star = true;
        return {std::move(column)};
    }

    void add_order(const Pair& pair) {
        EmbedPath path = path_before_last(pair.name);
        auto terms = parse_order(pair.value);
        if (ordered_.insert(path).second) query_.orders.push_back({std::move(path), std::move(terms)});
    }

    void add_tree(const Pair& pair, bool any) {
        EmbedPath path = path_before_last(pair.name);
        const bool negated = !path.empty() && path.back() == "not";
        if (negated) path.pop_back();
        query_.trees.push_back({std::move(path), parse_logic_tree(pair.value, negated, any)});
    }

    void add_select(const Pair& pair) {
        if (select_seen_) return;
        select_seen_ = true;
        query_.select = parse_select(pair.value);
        query_.select_empty = query_.select.empty();
        query_.select_given = !query_.select_empty && pair.value != "*";
    }

    void add_other(const Pair& pair) {
        Cursor cursor(pair.name, pair.name);
        EmbedPath path;
        Filter filter;
        filter.field.name = need_name(cursor, "the name of a column");
        while (cursor.take('.')) {
            path.push_back(std::move(filter.field.name));
            filter.field.name = need_name(cursor, "the name of a column");
        }
        filter.field.path = take_path(cursor);
        Cursor value(pair.value, pair.name);
        auto operation = take_operation(value, false);
        if (operation) {
            filter.operation = std::move(*operation);
            query_.filters.push_back({std::move(path), std::move(filter)});
            return;
        }
        const bool begins_as_one = pair.value.compare(0, 4, "not.") == 0;
        if (meaning_ == PairMeaning::Filters || begins_as_one) value.fail("an operation such as eq.5 or not.is.null");
        query_.arguments.emplace_back(std::move(filter.field.name), cut_at_nul(pair.value));
    }

    LimitOffset& range_at(EmbedPath path) {
        if (path.empty()) return query_.root_range;
        const auto [place, added] = range_of_.try_emplace(path, query_.embed_ranges.size());
        if (added) query_.embed_ranges.push_back({std::move(path), {}});
        return query_.embed_ranges[place->second].value;
    }

    void add_range(const Pair& pair, bool limit) {
        LimitOffset& range = range_at(path_before_last(pair.name));
        auto& target = limit ? range.limit : range.offset;
        if (limit) range.limit_given = true;
        target = is_whole_number(pair.value) ? std::optional<std::string>(pair.value) : std::nullopt;
    }

    std::vector<Pair> pairs_;
    PairMeaning meaning_;
    Query query_;
    bool select_seen_ = false;
    std::set<EmbedPath> ordered_;
    std::map<EmbedPath, std::size_t> range_of_;
};

}  // namespace

Query parse_query(std::string_view query, PairMeaning meaning) {
    return QueryParser(query, meaning).parse();
}

}  // namespace pgrest::api

// SQL text under construction, with its values. The text is made of fixed words, quoted identifiers and type names of
// checked characters; a value becomes $1, $2, ... and never text. What pgrest itself adds, functions, operators and
// types, is of pg_catalog and says so: by the search path, which a role can choose, another could take its place.
// Looked up are what the request names: the operators of filters, arrows and joins, types of casts, and sum, avg, max
// and min, because types of extensions have their own. Pure C++.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgrest::sql {

class Text {
public:
    Text() { text_.reserve(512); }

    Text& add(std::string_view words) {
        text_.append(words);
        return *this;
    }
    // A double-quoted identifier; quotes inside are doubled, the name ends at a NUL.
    Text& name(std::string_view identifier);
    Text& name(std::string_view schema, std::string_view identifier) { return name(schema).add(".").name(identifier); }

    // A parameter. value() keeps a view: the text must live as long as the statement.
    Text& value(std::string_view text);
    Text& owned_value(std::string text);
    Text& null_value();
    // A key or index of a JSON path, the same parameter each time: expressions that are to be equal for PostgreSQL, as
    // those of GROUP BY and ORDER BY, must not differ by the number of a parameter.
    Text& shared_key(std::string_view text, bool is_index);
    // An array of these elements. Written with commas: whoever binds it knows the type, and so what stands between
    // elements of it.
    Text& list(const std::vector<std::string>& elements);

    const std::string& text() const { return text_; }
    const std::vector<std::optional<std::string_view>>& values() const { return values_; }
    // Which of the values are lists, ascending.
    const std::vector<std::size_t>& lists() const { return lists_; }

private:
    void placeholder(std::size_t number);

    std::string text_;
    std::vector<std::optional<std::string_view>> values_;
    std::vector<std::size_t> lists_;
    std::deque<std::string> owned_;  // a deque does not move what it holds
    std::map<std::pair<std::string_view, bool>, std::size_t> shared_keys_;
};

std::string quoted(std::string_view identifier);

// A name for a table of the statement that must not be the other one, which is of the database.
std::string name_beside(std::string_view wanted, std::string_view other);

// An array literal of quoted elements: {"a","b"}.
std::string array_literal(const std::vector<std::string>& elements);

}  // namespace pgrest::sql

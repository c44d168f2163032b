// The rows of a body, one after the other, so that no more than one of them is held beside the body. Pure C++.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/csv.h"
#include "api/parse.h"
#include "json/json.h"

namespace pgrest::api {

// The value of one column in one row.
struct Cell {
    enum class Kind { Null, Text, Json } kind = Kind::Null;
    // Text: what the client meant, a string of JSON decoded. Json: the text of any other value.
    std::string_view text;
    bool nested = false;  // Json: an object or array
};

class BodyRows {
public:
    // Payload and body must outlive it. Names that the body does not have are null.
    BodyRows(const Payload& payload, std::vector<std::string> names);

    // False: only PostgreSQL can say what the document means, or what is wrong with it (with columns=, and where there
    // is \u0000).
    bool readable() const { return readable_; }

    // The next row; what cells() and element() say is good until then. False at the end.
    bool next();
    const std::vector<Cell>& cells() const { return cells_; }
    // The row as JSON text.
    std::string_view element();
    // Only JSON with columns= can hold others.
    bool is_object() const { return payload_.source != Payload::Source::Json || row_.kind == json::Kind::Object; }

private:
    bool next_json();
    bool next_line();
    bool next_form();
    void take_members();
    void take(std::size_t column, const json::Value& value);
    std::size_t column_of(std::string_view name, std::size_t expected) const;

    const Payload& payload_;
    const std::vector<std::string> names_;
    std::unordered_map<std::string_view, std::size_t> by_name_;
    bool readable_ = true;
    bool over_ = false;

    json::Value document_;
    json::Value row_;
    json::Walk walk_{json::Value{}};

    CsvReader reader_;
    std::vector<std::string> header_;
    std::vector<std::string_view> line_;

    std::vector<Cell> cells_;
    std::vector<std::string> decoded_;  // strings with escapes, one a column
    std::string element_;
};

}  // namespace pgrest::api

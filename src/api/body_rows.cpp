#include "api/body_rows.h"

#include <algorithm>
#include <optional>

namespace pgrest::api {

namespace {

using Source = Payload::Source;

constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

json::Kind expected_kind(const Payload& payload) {
    return payload.form == Payload::Form::Object ? json::Kind::Object : json::Kind::Array;
}

void append_member(std::string& out, std::string_view name, std::string_view value, bool null) {
    if (out.size() > 1) out += ',';
    json::append_string(out, name);
    out += ':';
    if (null)
        out += "null";
    else
        json::append_string(out, value);
}

}  // namespace

BodyRows::BodyRows(const Payload& payload, std::vector<std::string> names)
    : payload_(payload),
      names_(std::move(names)),
      reader_(payload.source == Source::Csv ? payload.body : std::string_view()),
      cells_(names_.size()),
      decoded_(names_.size()) {
    for (std::size_t i = 0; i < names_.size(); ++i)
        by_name_.emplace(names_[i], i);
    if (payload.source == Source::Csv && reader_.next(line_)) header_.assign(line_.begin(), line_.end());
    if (payload.source != Source::Json) return;
    const auto document = json::parse(payload.document());
    readable_ = document && document->kind == expected_kind(payload) &&
                payload.document().find("\\u0000") == std::string_view::npos;
    if (!readable_) return;
    document_ = *document;
    walk_ = json::Walk(document_);
}

bool BodyRows::next() {
    std::fill(cells_.begin(), cells_.end(), Cell{});
    element_.clear();
    switch (payload_.source) {
        case Source::Json:
            return next_json();
        case Source::Csv:
            return next_line();
        case Source::Form:
            return next_form();
        case Source::None:
            break;
    }
    return false;
}

bool BodyRows::next_json() {
    if (document_.kind == json::Kind::Object) {
        if (over_) return false;
        over_ = true;
        row_ = document_;
    } else {
        std::string_view no_key;
        if (!walk_.next(no_key, row_)) return false;
    }
    if (row_.kind == json::Kind::Object) take_members();
    return true;
}

// Members mostly come in the order of the row before.
std::size_t BodyRows::column_of(std::string_view name, std::size_t expected) const {
    if (expected < names_.size() && names_[expected] == name) return expected;
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nowhere : found->second;
}

void BodyRows::take_members() {
    json::Walk members(row_);
    json::Value value;
    std::size_t expected = 0;
    for (std::string_view key; members.next(key, value);) {
        const bool plain = key.find('\\') == std::string_view::npos;
        const std::size_t column = plain ? column_of(key.substr(1, key.size() - 2), expected)
                                         : column_of(json::string_of({json::Kind::String, key}), expected);
        if (column == nowhere) continue;
        take(column, value);
        expected = column + 1;
    }
}

void BodyRows::take(std::size_t column, const json::Value& value) {
    Cell& cell = cells_[column];
    cell = {};
    if (value.kind == json::Kind::Null) return;
    if (value.kind != json::Kind::String) {
        cell = {Cell::Kind::Json, value.text, value.kind == json::Kind::Object || value.kind == json::Kind::Array};
        return;
    }
    cell.kind = Cell::Kind::Text;
    if (value.text.find('\\') == std::string_view::npos) {
        cell.text = value.text.substr(1, value.text.size() - 2);
        return;
    }
    decoded_[column] = json::string_of(value);
    cell.text = decoded_[column];
}

// Of a name that stands twice the last field counts.
bool BodyRows::next_line() {
    if (!reader_.next(line_)) return false;
    for (std::size_t i = 0; i < header_.size() && i < line_.size(); ++i) {
        const std::size_t column = column_of(header_[i], i);
        if (column == nowhere) continue;
        cells_[column] = {};
        if (line_[i] != "NULL") cells_[column] = {Cell::Kind::Text, line_[i], false};
    }
    return true;
}

bool BodyRows::next_form() {
    if (over_) return false;
    over_ = true;
    for (const auto& [name, value] : payload_.fields) {
        const std::size_t column = column_of(name, nowhere);
        if (column != nowhere) cells_[column] = {Cell::Kind::Text, value, false};
    }
    return true;
}

std::string_view BodyRows::element() {
    if (payload_.source == Source::Json) return row_.text;
    element_ = "{";
    if (payload_.source == Source::Csv)
        for (std::size_t i = 0; i < header_.size() && i < line_.size(); ++i)
            append_member(element_, header_[i], line_[i], line_[i] == "NULL");
    else
        for (const auto& [name, value] : payload_.fields)
            append_member(element_, name, value, false);
    return element_ += '}';
}

}  // namespace pgrest::api

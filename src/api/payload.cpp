#include <algorithm>

#include "api/csv.h"
#include "api/object_keys.h"
#include "api/parse.h"
#include "http/error.h"
#include "json/json.h"

namespace pgrest::api {

namespace {

using Form = Payload::Form;

[[noreturn]] void fail_body(const std::string& message) {
    http::fail("PGRST102", message);
}

using Source = Payload::Source;

std::vector<std::string> as_set(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

bool holds_null_escape(std::string_view json) {
    return json.find("\\u0000") != std::string_view::npos;
}

Payload array_payload(const json::Value& array, std::string_view body) {
    Payload payload;
    payload.form = Form::Array;
    payload.source = Source::Json;
    payload.body = body;
    std::optional<SameKeys> keys;
    json::Walk walk(array);
    json::Value element;
    for (std::string_view no_key; walk.next(no_key, element); ++payload.rows) {
        if (element.kind != json::Kind::Object) fail_body("The elements of an array in the body must all be objects");
        if (!keys) {
            keys.emplace(element);
            if (!holds_null_escape(body)) payload.arguments = element.text;
        } else if (!keys->hold_for(element)) {
            fail_body("All objects of the array must have the same keys");
        }
    }
    if (keys) payload.keys = keys->take();
    return payload;
}

bool is_too_deep(std::string_view body) {
    bool quoted = false;
    int depth = 0;
    for (std::size_t i = 0; i < body.size(); ++i) {
        const char c = body[i];
        if (quoted && c == '\\') ++i;
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if ((c == '[' || c == '{') && ++depth > json::kMaxDepth) return true;
        if (c == ']' || c == '}') --depth;
    }
    return false;
}

[[noreturn]] void fail_json(std::string_view body) {
    if (body.empty()) fail_body("The body is empty; JSON was expected");
    if (is_too_deep(body)) fail_body("The body is nested deeper than " + std::to_string(json::kMaxDepth) + " levels");
    fail_body("The body is not valid JSON");
}

Payload json_payload(std::string_view body, bool for_function) {
    Payload payload;
    if (body.empty() && for_function) {
        payload.form = Form::Object;
        payload.empty_body = true;
        return payload;
    }
    const std::optional<json::Value> value = json::parse(body);
    if (!value) fail_json(body);
    if (value->kind == json::Kind::Array) return array_payload(*value, body);
    payload.source = Source::Json;
    if (value->kind != json::Kind::Object) {
        payload.form = Form::Array;
        payload.made = "[]";
        return payload;
    }
    payload.form = Form::Object;
    payload.body = body;
    if (!holds_null_escape(body)) payload.arguments = body;
    payload.rows = 1;
    payload.keys = keys_of(*value);
    return payload;
}

// With columns= only PostgreSQL looks into the document.
Payload uninspected_payload(std::string_view body, const std::vector<std::string>& columns) {
    Payload payload;
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    payload.form = first != std::string_view::npos && body[first] == '{' ? Form::Object : Form::Array;
    payload.source = Source::Json;
    payload.body = body;
    payload.keys = as_set(columns);
    return payload;
}

// The first line's values as the arguments of a function.
std::string csv_object(const std::vector<std::string>& header, const std::vector<std::string_view>& line) {
    std::string out = "{";
    for (std::size_t i = 0; i < header.size() && i < line.size(); ++i) {
        if (i) out += ',';
        json::append_string(out, header[i]);
        out += ':';
        if (line[i] == "NULL")
            out += "null";
        else
            json::append_string(out, line[i]);
    }
    return out += '}';
}

// Programs that write a table as text for others begin it so.
std::string_view without_byte_order_mark(std::string_view body) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    return body.substr(0, kMark.size()) == kMark ? body.substr(kMark.size()) : body;
}

// The names of the columns. A body without any line end has mostly lost those that it had.
std::vector<std::string> csv_header(CsvReader& reader) {
    std::vector<std::string_view> header;
    if (reader.next(header) && !reader.line_ended())
        fail_body("The CSV is a single line without a line end: a header of names and lines of fields were expected");
    return {header.begin(), header.end()};
}

Payload csv_payload(std::string_view body, bool for_function) {
    body = without_byte_order_mark(body);
    if (body.empty()) fail_body("The body is empty; a header line and rows of CSV were expected");
    if (!json::valid_utf8(body)) fail_body("The body is not valid UTF-8");
    Payload payload;
    payload.form = Form::Array;
    payload.source = Source::Csv;
    payload.body = body;
    payload.made = "[]";
    CsvReader reader(body);
    const std::vector<std::string> header = csv_header(reader);
    std::vector<std::string_view> line;
    std::size_t fields = header.size();
    for (; reader.next(line); ++payload.rows) {
        const std::size_t given = std::min(line.size(), header.size());
        if (!for_function && given < header.size()) fail_body("A line of the CSV has fewer fields than its header");
        if (for_function && payload.rows > 0 && given != fields)
            fail_body("All lines of the CSV must have the same number of fields");
        fields = given;
        if (for_function && payload.rows == 0) {
            payload.form = Form::Object;
            payload.made = csv_object(header, line);
        }
    }
    std::vector<std::string> names(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(fields));
    (payload.rows > 0 ? payload.keys : payload.names_without_rows) = as_set(std::move(names));
    return payload;
}

// As many as a query string may have.
constexpr std::size_t kMaxFormFields = 10000;

std::vector<std::pair<std::string, std::string>> form_pairs(std::string_view body) {
    std::vector<std::pair<std::string, std::string>> pairs;
    if (!body.empty() && body.front() == '?') body.remove_prefix(1);
    while (!body.empty()) {
        const std::size_t end = body.find_first_of("&;");
        const std::string_view piece = body.substr(0, end);
        body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
        if (piece.empty()) continue;
        if (pairs.size() == kMaxFormFields)
            fail_body("The form has more than " + std::to_string(kMaxFormFields) + " fields");
        const std::size_t equals = piece.find('=');
        const std::string_view value = equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
        pairs.emplace_back(percent_decode(piece.substr(0, equals), true), percent_decode(value, true));
        if (!json::valid_utf8(pairs.back().first) || !json::valid_utf8(pairs.back().second))
            fail_body("The form is not valid UTF-8");
    }
    return pairs;
}

Payload form_payload(std::string_view body) {
    Payload payload;
    payload.form = Form::Object;
    payload.source = Source::Form;
    payload.made = "{}";
    payload.rows = 1;
    payload.fields = form_pairs(body);
    std::vector<std::string> keys;
    for (const auto& field : payload.fields)
        keys.push_back(field.first);
    payload.keys = as_set(std::move(keys));
    return payload;
}

}  // namespace

Payload parse_payload(const http::Headers& headers, std::string_view body,
                      const std::optional<std::vector<std::string>>& columns, bool for_function) {
    const MediaType type = parse_content_type(headers);
    switch (type.kind) {
        case MediaKind::Json:
            return columns ? uninspected_payload(body, *columns) : json_payload(body, for_function);
        case MediaKind::Csv:
            return csv_payload(body, for_function);
        case MediaKind::UrlEncoded:
            return form_payload(body);
        case MediaKind::Text:
        case MediaKind::Xml:
        case MediaKind::Binary:
            if (for_function) {
                Payload payload;
                payload.raw = true;
                payload.body = body;
                payload.empty_body = body.empty();
                return payload;
            }
            break;
        default:
            break;
    }
    fail_body("Bodies of the type '" + type.name + "' are not taken");
}

}  // namespace pgrest::api

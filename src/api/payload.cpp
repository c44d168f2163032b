#include <algorithm>
#include <set>

#include "api/csv.h"
#include "api/parse.h"
#include "http/error.h"
#include "json/json.h"

namespace pgrest::api {

namespace {

using Form = Payload::Form;

[[noreturn]] void fail_body(const std::string& message) {
    http::fail("PGRST102", message);
}

using Keys = std::set<std::string>;

Keys keys_of(const json::Value& object) {
    Keys keys;
    json::Walk walk(object);
    for (json::Member member; walk.next(member);)
        keys.insert(std::move(member.key));
    return keys;
}

void set_keys(Payload& payload, const Keys& keys) {
    payload.keys.assign(keys.begin(), keys.end());
}

Payload array_payload(const json::Value& array, std::string_view body) {
    Payload payload;
    payload.form = Form::Array;
    payload.json = std::string(body);
    std::optional<Keys> common;
    json::Walk walk(array);
    for (json::Member element; walk.next(element); ++payload.rows) {
        if (element.value.kind != json::Kind::Object)
            fail_body("The elements of an array in the body must all be objects");
        Keys keys = keys_of(element.value);
        if (common && *common != keys) fail_body("All objects of the array must have the same keys");
        common = std::move(keys);
    }
    if (common) set_keys(payload, *common);
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
    if (value->kind != json::Kind::Object) {
        payload.form = Form::Array;
        payload.json = "[]";
        return payload;
    }
    payload.form = Form::Object;
    payload.json = std::string(body);
    payload.rows = 1;
    set_keys(payload, keys_of(*value));
    return payload;
}

// With columns= only PostgreSQL looks into the document.
Payload uninspected_payload(std::string_view body, const std::vector<std::string>& columns) {
    Payload payload;
    const std::size_t first = body.find_first_not_of(" \t\r\n");
    payload.form = first != std::string_view::npos && body[first] == '{' ? Form::Object : Form::Array;
    payload.json = std::string(body);
    set_keys(payload, Keys(columns.begin(), columns.end()));
    return payload;
}

void append_csv_value(std::string& out, const std::string& field) {
    if (field == "NULL")
        out += "null";
    else
        json::append_string(out, field);
}

void append_csv_object(std::string& out, const std::vector<std::string>& header, const std::vector<std::string>& line) {
    out += '{';
    for (std::size_t i = 0; i < header.size() && i < line.size(); ++i) {
        if (i) out += ',';
        json::append_string(out, header[i]);
        out += ':';
        append_csv_value(out, line[i]);
    }
    out += '}';
}

// The names of the header are repeated in every object, so the document can be many times as long as the body.
// PostgreSQL takes no longer text.
constexpr std::size_t kLongestDocument = 0x3fffffff - 64;

// Programs that write a table as text for others begin it so.
std::string_view without_byte_order_mark(std::string_view body) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    return body.substr(0, kMark.size()) == kMark ? body.substr(kMark.size()) : body;
}

// The names of the columns. A body without any line end has mostly lost those that it had.
std::vector<std::string> csv_header(CsvReader& reader) {
    std::vector<std::string> header;
    if (reader.next(header) && !reader.line_ended())
        fail_body("The CSV is a single line without a line end: a header of names and lines of fields were expected");
    return header;
}

Payload csv_payload(std::string_view body, bool for_function) {
    body = without_byte_order_mark(body);
    if (body.empty()) fail_body("The body is empty; a header line and rows of CSV were expected");
    if (!json::valid_utf8(body)) fail_body("The body is not valid UTF-8");
    Payload payload;
    payload.form = Form::Array;
    payload.json = "[";
    CsvReader reader(body);
    const std::vector<std::string> header = csv_header(reader);
    std::vector<std::string> line;
    std::size_t fields = header.size();
    for (; reader.next(line); ++payload.rows) {
        const std::size_t given = std::min(line.size(), header.size());
        if (!for_function && given < header.size()) fail_body("A line of the CSV has fewer fields than its header");
        if (for_function && payload.rows > 0 && given != fields)
            fail_body("All lines of the CSV must have the same number of fields");
        fields = given;
        if (payload.rows > 0) payload.json += ',';
        append_csv_object(payload.json, header, line);
        if (payload.json.size() > kLongestDocument) fail_body("The CSV has more than 1 GB as JSON");
    }
    payload.json += ']';
    const Keys names(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(fields));
    if (payload.rows > 0)
        set_keys(payload, names);
    else
        payload.names_without_rows.assign(names.begin(), names.end());
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

Payload form_payload(std::string_view body, std::vector<std::pair<std::string, std::string>>* kept) {
    auto pairs = form_pairs(body);
    Payload payload;
    payload.form = Form::Object;
    payload.rows = 1;
    Keys keys;
    payload.json = "{";
    for (const auto& [name, value] : pairs) {
        if (payload.json.size() > 1) payload.json += ',';
        json::append_string(payload.json, name);
        payload.json += ':';
        json::append_string(payload.json, value);
        keys.insert(name);
    }
    payload.json += '}';
    set_keys(payload, keys);
    if (kept) *kept = std::move(pairs);
    return payload;
}

}  // namespace

Payload parse_payload(const http::Headers& headers, std::string_view body,
                      const std::optional<std::vector<std::string>>& columns, bool for_function,
                      std::vector<std::pair<std::string, std::string>>* form_pairs_out) {
    const MediaType type = parse_content_type(headers);
    switch (type.kind) {
        case MediaKind::Json:
            return columns ? uninspected_payload(body, *columns) : json_payload(body, for_function);
        case MediaKind::Csv:
            return csv_payload(body, for_function);
        case MediaKind::UrlEncoded:
            return form_payload(body, form_pairs_out);
        case MediaKind::Text:
        case MediaKind::Xml:
        case MediaKind::Binary:
            if (for_function) {
                Payload payload;
                payload.raw = true;
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

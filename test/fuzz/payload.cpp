// Bodies of requests. The first line is the Content-Type, the rest the body: whatever is taken becomes rows with the
// announced keys.
#include <algorithm>
#include <set>

#include "api/body_rows.h"
#include "api/csv.h"
#include "api/object_keys.h"
#include "api/parse.h"
#include "check.h"

using namespace pgrest;

namespace {

std::size_t count_rows(const api::Payload& payload) {
    std::size_t count = 0;
    api::BodyRows rows(payload, payload.keys);
    if (!rows.readable()) return payload.rows;
    while (rows.next()) {
        ++count;
        fuzz::require(rows.is_object() && rows.cells().size() == payload.keys.size(), "a row has a cell for each key");
        for (const api::Cell& cell : rows.cells())
            fuzz::require(cell.kind != api::Cell::Kind::Json || json::parse(cell.text), "a cell is JSON");
        const auto element = json::parse(rows.element());
        fuzz::require(element && element->kind == json::Kind::Object, "a row is an object");
        auto keys = api::keys_of(*element);
        fuzz::require(keys == payload.keys, "every row has the announced keys");
    }
    return count;
}

// The rows are those that the payload announces.
void check_rows(const api::Payload& payload) {
    const std::set<std::string> announced(payload.keys.begin(), payload.keys.end());
    fuzz::require(std::is_sorted(payload.keys.begin(), payload.keys.end()) && announced.size() == payload.keys.size(),
                  "keys are sorted and unique");
    fuzz::require(payload.names_without_rows.empty() || (payload.keys.empty() && payload.rows == 0),
                  "names without rows are those of a header alone");
    if (payload.raw || payload.empty_body) return;
    fuzz::require(json::parse(payload.document()).has_value() || payload.source != api::Payload::Source::Json,
                  "a document is JSON");
    if (!payload.arguments.empty()) {
        const auto arguments = json::parse(payload.arguments);
        fuzz::require(arguments && api::keys_of(*arguments) == payload.keys, "arguments have the announced keys");
    }
    fuzz::require(count_rows(payload) == payload.rows, "all rows are read");
}

std::string as_csv(const std::vector<std::vector<std::string>>& lines) {
    std::string out;
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            out += i ? ",\"" : "\"";
            for (const char c : line[i])
                out += c == '"' ? std::string("\"\"") : std::string(1, c);
            out += '"';
        }
        out += "\r\n";
    }
    return out;
}

std::vector<std::vector<std::string>> lines_of(std::string_view csv) {
    std::vector<std::vector<std::string>> lines;
    api::CsvReader reader(csv);
    for (std::vector<std::string_view> line; reader.next(line);)
        lines.emplace_back(line.begin(), line.end());
    return lines;
}

void check_csv(std::string_view body) {
    const auto lines = fuzz::accepted({"PGRST102"}, [&] { return lines_of(body); });
    if (lines) fuzz::require(lines_of(as_csv(*lines)) == *lines, "CSV keeps its meaning when written back");
}

void check_form(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string form;
    for (const auto& [name, value] : pairs)
        form += "&" + api::percent_encode(name) + "=" + api::percent_encode(value);
    const auto again = api::parse_payload({{"Content-Type", "application/x-www-form-urlencoded"}}, form, {}, true);
    fuzz::require(again.fields == pairs, "a form keeps its meaning when written back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const http::Headers headers{{"Content-Type", std::string(input.line())}};
    const std::string_view body = input.rest();
    for (const bool for_function : {false, true}) {
        const auto payload =
            fuzz::accepted({"PGRST102"}, [&] { return api::parse_payload(headers, body, {}, for_function); });
        if (!payload) continue;
        fuzz::require(for_function || !payload->raw, "raw bodies are for functions");
        check_rows(*payload);
        check_form(payload->fields);
    }
    check_csv(body);
    return 0;
}

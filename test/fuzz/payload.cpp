// Bodies of requests. The first line is the Content-Type, the rest the body: whatever is taken becomes one JSON
// document with the announced keys.
#include <algorithm>
#include <set>

#include "api/csv.h"
#include "api/parse.h"
#include "check.h"

using namespace pgrest;

namespace {

std::set<std::string> keys_of(const json::Value& object) {
    std::set<std::string> keys;
    for (const json::Member& member : json::members(object))
        keys.insert(member.key);
    return keys;
}

// The document has the form, the rows and the keys that the payload announces.
void check_document(const api::Payload& payload) {
    const std::set<std::string> announced(payload.keys.begin(), payload.keys.end());
    fuzz::require(std::is_sorted(payload.keys.begin(), payload.keys.end()) && announced.size() == payload.keys.size(),
                  "keys are sorted and unique");
    if (payload.raw || payload.empty_body) return;
    const auto document = json::parse(payload.json);
    fuzz::require(document.has_value(), "a body becomes JSON");
    if (payload.form == api::Payload::Form::Object) {
        fuzz::require(document->kind == json::Kind::Object && keys_of(*document) == announced,
                      "an object has the announced keys");
        return;
    }
    const auto rows = json::elements(*document);
    fuzz::require(document->kind == json::Kind::Array && rows.size() == payload.rows, "an array has the counted rows");
    for (const json::Value& row : rows)
        fuzz::require(keys_of(row) == announced, "every row has the announced keys");
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
    for (std::vector<std::string> line; reader.next(line);)
        lines.push_back(line);
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
    std::vector<std::pair<std::string, std::string>> again;
    api::parse_payload({{"Content-Type", "application/x-www-form-urlencoded"}}, form, {}, true, &again);
    fuzz::require(again == pairs, "a form keeps its meaning when written back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const http::Headers headers{{"Content-Type", std::string(input.line())}};
    const std::string_view body = input.rest();
    for (const bool for_function : {false, true}) {
        std::vector<std::pair<std::string, std::string>> pairs;
        const auto payload =
            fuzz::accepted({"PGRST102"}, [&] { return api::parse_payload(headers, body, {}, for_function, &pairs); });
        if (!payload) continue;
        fuzz::require(for_function || !payload->raw, "raw bodies are for functions");
        check_document(*payload);
        check_form(pairs);
    }
    check_csv(body);
    return 0;
}

// JSON: parsing, writing and parsing again is a fixed point, and jansson, which is another parser, sees the same
// values.
#include <jansson.h>

#include <cmath>
#include <memory>
#include <set>

#include "check.h"

using namespace pgrest;

namespace {

struct Release {
    void operator()(json_t* value) const { json_decref(value); }
};

// The value rebuilt from its parts.
std::string rebuilt(const json::Value& value) {
    std::string out;
    switch (value.kind) {
        case json::Kind::Object:
            for (const json::Member& member : json::members(value)) {
                out += out.empty() ? "{" : ",";
                json::append_string(out, member.key);
                out += ":" + rebuilt(member.value);
            }
            return out.empty() ? "{}" : out + "}";
        case json::Kind::Array:
            for (const json::Value& element : json::elements(value))
                out += (out.empty() ? "[" : ",") + rebuilt(element);
            return out.empty() ? "[]" : out + "]";
        case json::Kind::String:
            json::append_string(out, json::string_of(value));
            return out;
        default:
            return std::string(value.text);
    }
}

void check_same(const json::Value& ours, const json_t* theirs);

// Of a repeated member jansson keeps the last.
void check_same_object(const json::Value& ours, const json_t* theirs) {
    const auto members = json::members(ours);
    std::size_t names = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        bool last = true;
        for (std::size_t k = i + 1; k < members.size() && last; ++k)
            last = members[k].key != members[i].key;
        if (!last) continue;
        ++names;
        const json_t* value = json_object_get(theirs, members[i].key.c_str());
        fuzz::require(value != nullptr, "both parsers see the same members");
        check_same(members[i].value, value);
    }
    fuzz::require(json_object_size(theirs) == names, "both parsers see as many members");
}

void check_same(const json::Value& ours, const json_t* theirs) {
    switch (ours.kind) {
        case json::Kind::Object:
            fuzz::require(json_is_object(theirs), "both parsers see an object");
            check_same_object(ours, theirs);
            return;
        case json::Kind::Array: {
            const auto elements = json::elements(ours);
            fuzz::require(json_is_array(theirs) && json_array_size(theirs) == elements.size(),
                          "both parsers see as many elements");
            for (std::size_t i = 0; i < elements.size(); ++i)
                check_same(elements[i], json_array_get(theirs, i));
            return;
        }
        case json::Kind::String:
            fuzz::require(
                json_is_string(theirs) &&
                    json::string_of(ours) == std::string_view(json_string_value(theirs), json_string_length(theirs)),
                "both parsers see the same string");
            return;
        case json::Kind::Number:
            fuzz::require(json_is_number(theirs) &&
                              std::strtod(std::string(ours.text).c_str(), nullptr) == json_number_value(theirs),
                          "both parsers see the same number");
            return;
        case json::Kind::True:
            fuzz::require(json_is_true(theirs), "both parsers see true");
            return;
        case json::Kind::False:
            fuzz::require(json_is_false(theirs), "both parsers see false");
            return;
        case json::Kind::Null:
            fuzz::require(json_is_null(theirs), "both parsers see null");
            return;
    }
}

// jansson holds no number beyond its types and no member whose name has a NUL.
bool beyond_jansson(const json_error_t& error) {
    const enum json_error_code code = json_error_code(&error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

void cross_check(std::string_view text, const std::optional<json::Value>& ours) {
    json_error_t error;
    const std::unique_ptr<json_t, Release> theirs(
        json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, &error));
    if (!theirs) {
        fuzz::require(!ours || beyond_jansson(error), "what one parser takes the other takes");
        return;
    }
    if (!ours) {
        // jansson takes a NUL for the end of its input
        fuzz::require(text.find('\0') != std::string_view::npos || json::parse(text, 100000).has_value(),
                      "only depth makes us refuse what jansson takes");
        return;
    }
    check_same(*ours, theirs.get());
}

bool has_repeats(const json::Value& value) {
    std::set<std::string> seen;
    for (const json::Member& member : json::members(value))
        if (!seen.insert(member.key).second || has_repeats(member.value)) return true;
    for (const json::Value& element : json::elements(value))
        if (has_repeats(element)) return true;
    return false;
}

void check_without_repeats(const json::Value& value) {
    const std::string text = json::without_repeats(value);
    const json::Value rest = fuzz::require_json(text, value.kind, "without repeated members it is the same kind");
    fuzz::require(!has_repeats(rest), "no member is repeated");
    fuzz::require(has_repeats(value) || text == value.text, "what has no repeated member stays as it is");
    for (const json::Member& member : json::members(rest))
        fuzz::require(json::without_repeats(*json::member(value, member.key)) == member.value.text,
                      "the first of the members stays");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::whole(data, size);
    const auto value = json::parse(text);
    cross_check(text, value);
    std::string quoted;
    json::append_string(quoted, text);
    const json::Value string = fuzz::require_json(quoted, json::Kind::String, "any text can be written as a string");
    fuzz::require(!json::valid_utf8(text) || json::string_of(string) == text, "text comes back as it was written");
    if (!value) return 0;

    check_without_repeats(*value);
    const std::string compacted = json::compact(*value);
    const json::Value again = fuzz::require_json(compacted, value->kind, "a compacted value is the same kind of value");
    fuzz::require(json::compact(again) == compacted, "compacting is a fixed point");
    const std::string written = rebuilt(*value);
    fuzz::require(written == rebuilt(again), "white space means nothing");
    fuzz::require(rebuilt(fuzz::require_json(written, value->kind, "a rebuilt value is JSON")) == written,
                  "writing is a fixed point");
    return 0;
}

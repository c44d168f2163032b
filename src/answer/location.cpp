#include "answer/location.h"

#include "api/parse.h"
#include "json/json.h"

namespace pgrest::answer {

namespace {

std::string condition(const std::optional<std::string>& value) {
    if (!value) return "is.null";
    const std::optional<json::Value> parsed = json::parse(*value);
    if (parsed && parsed->kind == json::Kind::Null) return "is.null";
    const bool string = parsed && parsed->kind == json::Kind::String;
    return "eq." + api::percent_encode(string ? json::string_of(*parsed) : *value);
}

}  // namespace

std::string location(const std::string& relation, const std::vector<std::string>& keys,
                     const std::vector<std::optional<std::string>>& values) {
    std::string text = "/" + api::percent_encode(relation);
    for (std::size_t i = 0; i < keys.size() && i < values.size(); ++i) {
        text += i ? "&" : "?";
        text += api::percent_encode(keys[i]) + "=" + condition(values[i]);
    }
    return text;
}

}  // namespace pgrest::answer

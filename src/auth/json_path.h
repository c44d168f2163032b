// JSON Path (RFC 9535): names, indexes, slices, wildcards, descendants, unions, filters with comparisons and search().
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace pgrest::auth {

class JsonPath {
public:
    // Nothing when the text is no path.
    static std::optional<JsonPath> parse(std::string_view text);

    JsonPath();
    ~JsonPath();
    JsonPath(JsonPath&&) noexcept;
    JsonPath& operator=(JsonPath&&) noexcept;

    // The first value that the path selects. Gives up (nothing) after a bounded amount of work.
    std::optional<json::Value> first(const json::Value& root) const;

    struct Segment;

private:
    friend class JsonPathParser;
    std::vector<Segment> segments_;
};

}  // namespace pgrest::auth

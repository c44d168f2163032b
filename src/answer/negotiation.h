// Which representation an answer has (RFC 9110 section 12). Pure C++.
#pragma once

#include <string>
#include <vector>

#include "api/syntax.h"

namespace pgrest::answer {

enum class Shape { Array, StrippedArray, Object, StrippedObject, Csv, Plan };

struct Representation {
    Shape shape = Shape::Array;
    std::string content_type;  // as it is sent
    bool singular = false;     // exactly one row is demanded
    bool strip_nulls = false;
    // Plan only: EXPLAIN's options and format; the shape that would be produced.
    bool plan_json = false;
    std::vector<std::string> plan_options;
};

struct Offer {
    bool plans = false;  // db_plan_enabled
};

// The first acceptable type that can be produced. Throws PGRST107.
Representation negotiate(const std::vector<api::MediaType>& accepted, const Offer& offer);

}  // namespace pgrest::answer

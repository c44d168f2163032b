// Which function a request calls, and with what (named arguments, overloads, a single unnamed parameter). Pure C++.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/parse.h"
#include "api/syntax.h"
#include "catalog/catalog.h"

namespace pgrest::plan {

// What a request brings for a function.
struct Arguments {
    bool post = false;
    // Text values by name, in the order sent (query string, form).
    std::vector<std::pair<std::string, std::string>> values;
    // JSON arguments (POST): their names; the values are taken from the document by PostgreSQL.
    std::vector<std::string> json_names;
    bool from_json = false;
    // POST of a body that may go whole to a single unnamed parameter.
    api::MediaKind body_kind = api::MediaKind::Json;
    bool raw = false;  // text/plain, text/xml, application/octet-stream: no named arguments
    bool form = false;
};

enum class CallStyle {
    NoArguments,
    Values,      // a := $1::type
    JsonObject,  // a := args.a, from json_to_record
    JsonArray,   // the first element, from json_to_recordset
    WholeBody,   // the body as the only, unnamed parameter
};

struct CallArgument {
    const catalog::Parameter* parameter = nullptr;  // points into Call::function
    std::vector<std::string> values;                // Values: one, or several for a variadic parameter; none: NULL
};

struct Call {
    catalog::Function function;
    CallStyle style = CallStyle::NoArguments;
    std::vector<CallArgument> arguments;
};

// Throws PGRST202 (none fits) and PGRST203 (several fit).
Call plan_call(catalog::Catalog& catalog, const std::string& schema, const std::string& name,
               const Arguments& arguments, const api::Payload* payload);

// Takes the values of a large document out of it, where a value is to its type what a text of it is. PostgreSQL would
// hold it several times over while it takes it apart. document: an object that json::parse() has accepted.
void take_large_values(Call& call, std::string_view document);

}  // namespace pgrest::plan

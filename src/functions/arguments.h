// Arguments and results of SQL functions as C++ strings and back. The strings are UTF-8.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/postgres.h"

namespace pgrest::functions {

// A text (or json) argument; detoasting may raise, so this is guarded. Throws pg::Error.
std::string text_argument(FunctionCallInfo fcinfo, int index);

// A jsonb argument as JSON text. Throws pg::Error.
std::string jsonb_argument(FunctionCallInfo fcinfo, int index);

// A composite result from the text form of its columns, converted by their input functions. Throws pg::Error.
Datum record_of_texts(FunctionCallInfo fcinfo, const std::vector<std::optional<std::string>>& columns);

// Puts rows into the function's result set (materialize mode). Throws pg::Error.
void return_rows(FunctionCallInfo fcinfo, const std::vector<std::vector<std::optional<std::string>>>& rows);

}  // namespace pgrest::functions

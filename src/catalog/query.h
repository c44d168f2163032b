// A query of the catalogs whose rows come back as strings, in UTF-8 as the query is. Runs under a catalog snapshot, so
// that it does not fix the snapshot of the transaction that a request will use.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pgrest::catalog {

using Row = std::vector<std::optional<std::string>>;

// sql: text of our own without any value in it; names are schema-qualified. Throws pg::Error.
std::vector<Row> query_catalogs(const char* sql);

// The elements of a text array in PostgreSQL's text form: {a,"b c"}.
std::vector<std::string> array_elements(const std::string& text);

}  // namespace pgrest::catalog

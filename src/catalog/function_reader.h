// Functions by name as PostgreSQL's syscache has them.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace pgrest::catalog {

// Callable functions of that name in the schema: plain functions that return no trigger, whose input parameters all
// have names, or the single one of which is unnamed and of type bytea, json, jsonb, text or xml. Throws pg::Error.
std::vector<Function> read_functions(const std::string& schema, const std::string& name);

}  // namespace pgrest::catalog

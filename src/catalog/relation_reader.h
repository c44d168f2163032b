// One relation as PostgreSQL's relcache has it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "catalog/catalog.h"

namespace pgrest::catalog {

// Null when the relation is no table, view, materialized view, foreign or partitioned table, is a partition, or is
// gone. Its primary key is left to the caller. Throws pg::Error.
std::shared_ptr<Relation> read_relation(Oid relation);

// The default expressions of those columns that have one (of the column, its identity, or its domain) and may be given
// a value. Throws pg::Error.
std::unordered_map<std::string, std::string> read_defaults(Oid relation, const std::vector<std::string>& columns);

}  // namespace pgrest::catalog

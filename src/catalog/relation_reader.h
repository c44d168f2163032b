// One relation as PostgreSQL's relcache has it.
#pragma once

#include <memory>

#include "catalog/catalog.h"

namespace pgrest::catalog {

// Null when the relation is no table, view, materialized view, foreign or partitioned table, is a partition, or is
// gone. Its primary key is left to the caller. Throws pg::Error.
std::shared_ptr<Relation> read_relation(Oid relation);

}  // namespace pgrest::catalog

// Could a statement read a setting of the request? C: may ereport.
#pragma once

#include "pg/postgres.h"

extern "C" {
#include "utils/plancache.h"
}

namespace pgrest::exec {

// False only when it is sure that neither the statement nor anything that it calls reads one: a SELECT of tables that
// are made of nothing but PostgreSQL's own immutable functions and types. Views, row security and all are in there,
// since the analysed and rewritten query is looked at.
bool may_read_settings(const CachedPlanSource* source);

// The same of what makes a value of that type out of text, and text out of it.
bool may_read_settings(Oid type);

}  // namespace pgrest::exec

// The function that a setting names: pgrest.db_pre_request, pgrest.db_pre_config.
#pragma once

#include <string>

#include "config/config.h"

namespace pgrest::exec {

// The function's name, qualified and quoted. setting: "name" or "schema.name". A bare name is that of the first schema,
// of those that are exposed, the extra search path and pg_catalog, that has such a function without required arguments:
// never of the search path in force, which a role can choose. Where none has it: what PostgreSQL says of a missing
// function (42883), thrown as http::Failure. PostgreSQL's own caches answer, so that what DDL changes is seen at once.
// Inside a transaction.
std::string qualified_function(const std::string& setting, const config::Config& config);

}  // namespace pgrest::exec

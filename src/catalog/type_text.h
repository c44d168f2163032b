// Types as text for SQL. C code; may ereport.
#pragma once

#include "pg/postgres.h"

namespace pgrest::catalog {

// Schema-qualified and quoted, with the modifier when there is one (-1: none).
const char* qualified_type(Oid type, int32 modifier);

}  // namespace pgrest::catalog

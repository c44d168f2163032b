// Result sets of SQL functions in materialize mode (funcapi.h). May ereport.
#pragma once

#include "pg/postgres.h"

namespace pgrest::pg {

// Sets up setResult and setDesc of the call's ReturnSetInfo from the declared result type.
void init_materialized_result(FunctionCallInfo fcinfo);

}  // namespace pgrest::pg

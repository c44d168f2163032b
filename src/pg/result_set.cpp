#include "pg/result_set.h"

extern "C" {
#include "funcapi.h"
#include "utils/tuplestore.h"
}

namespace pgrest::pg {

void init_materialized_result(FunctionCallInfo fcinfo) {
#if PG_VERSION_NUM >= 150000
    InitMaterializedSRF(fcinfo, 0);
#else
    auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (!result || !IsA(result, ReturnSetInfo) || !(result->allowedModes & SFRM_Materialize))
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a set is returned, which was not expected here")));
    MemoryContext const before = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
    TupleDesc description = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE) elog(ERROR, "a row was expected");
    result->returnMode = SFRM_Materialize;
    result->setDesc = description;
    result->setResult = tuplestore_begin_heap(true, false, work_mem);
    MemoryContextSwitchTo(before);
#endif
}

}  // namespace pgrest::pg

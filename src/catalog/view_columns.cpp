#include "catalog/view_columns.h"

#include "pg/guard.h"

extern "C" {
#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_rewrite.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

constexpr Size largest_rule = 8 * 1024 * 1024;

struct RawOrigins {
    ::Oid schema;
    int count;
    ColumnOrigin* column;
};

// The text of the rule that makes a view; nullptr when there is none.
char* rule_of(::Oid view) {
    HeapTuple const tuple = SearchSysCache2(RULERELNAME, ObjectIdGetDatum(view), CStringGetDatum(ViewSelectRuleName));
    if (!HeapTupleIsValid(tuple)) return nullptr;
    bool null = false;
    Datum const action = SysCacheGetAttr(RULERELNAME, tuple, Anum_pg_rewrite_ev_action, &null);
    char* const rule = null || toast_raw_datum_size(action) > largest_rule ? nullptr : TextDatumGetCString(action);
    ReleaseSysCache(tuple);
    return rule;
}

RawOrigins read(::Oid view) {
    RawOrigins origins{};
    CHECK_FOR_INTERRUPTS();
    origins.schema = get_rel_namespace(view);
    char* const rule = rule_of(view);
    if (!rule) return origins;
    List* const actions = castNode(List, stringToNode(rule));
    CHECK_FOR_INTERRUPTS();
    if (list_length(actions) != 1) return origins;
    const List* const targets = linitial_node(Query, actions)->targetList;
    origins.column = static_cast<ColumnOrigin*>(palloc0(sizeof(ColumnOrigin) * (list_length(targets) + 1)));
    ListCell* cell = nullptr;
    foreach (cell, targets) {
        auto* const entry = lfirst_node(TargetEntry, cell);
        if (entry->resjunk || entry->resno < 1 || entry->resno > list_length(targets)) continue;
        origins.column[entry->resno - 1] = {entry->resorigtbl, entry->resorigcol};
        if (entry->resno > origins.count) origins.count = entry->resno;
    }
    return origins;
}

}  // namespace

ViewColumns read_view_columns(Oid view) {
    MemoryContext const context =
        pg::guarded([] { return AllocSetContextCreate(CurrentMemoryContext, "pgrest view", ALLOCSET_DEFAULT_SIZES); });
    ViewColumns columns;
    try {
        const RawOrigins raw = pg::guarded([=] {
            MemoryContext const before = MemoryContextSwitchTo(context);
            const RawOrigins found = read(view);
            MemoryContextSwitchTo(before);
            return found;
        });
        columns.schema = raw.schema;
        columns.origins.assign(raw.column, raw.column + raw.count);
    } catch (...) {
        MemoryContextDelete(context);
        throw;
    }
    MemoryContextDelete(context);
    return columns;
}

}  // namespace pgrest::catalog

#include "catalog/view_columns.h"

#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/relation.h"
#include "nodes/parsenodes.h"
#include "rewrite/prs2lock.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace pgrest::catalog {

namespace {

struct RawColumn {
    const char* name;
    ::Oid table;
    const char* column;
};

struct RawColumns {
    int count;
    RawColumn* columns;
};

Query* rule_query(::Relation view) {
    if (!view->rd_rules) return nullptr;
    for (int i = 0; i < view->rd_rules->numLocks; ++i) {
        RewriteRule* const rule = view->rd_rules->rules[i];
        if (rule->event == CMD_SELECT && list_length(rule->actions) == 1)
            return static_cast<Query*>(linitial(rule->actions));
    }
    return nullptr;
}

RawColumns read(::Oid view_id) {
    RawColumns result{};
    ::Relation const view = try_relation_open(view_id, AccessShareLock);
    if (!view) return result;
    if (const Query* query = rule_query(view)) {
        result.columns = static_cast<RawColumn*>(palloc0(sizeof(RawColumn) * (list_length(query->targetList) + 1)));
        ListCell* cell = nullptr;
        foreach (cell, query->targetList) {
            auto* const entry = static_cast<TargetEntry*>(lfirst(cell));
            if (entry->resjunk || entry->resno > RelationGetNumberOfAttributes(view)) continue;
            RawColumn* const column = &result.columns[result.count++];
            // the view's own name of the column: it may have been renamed since the rule was made
            column->name = pstrdup(NameStr(TupleDescAttr(RelationGetDescr(view), entry->resno - 1)->attname));
            column->table = entry->resorigtbl;
            column->column =
                OidIsValid(entry->resorigtbl) ? get_attname(entry->resorigtbl, entry->resorigcol, true) : nullptr;
        }
    }
    relation_close(view, AccessShareLock);
    return result;
}

}  // namespace

std::vector<ViewColumn> view_columns(Oid view) {
    const RawColumns raw = pg::guarded([=] { return read(view); });
    std::vector<ViewColumn> columns;
    for (int i = 0; i < raw.count; ++i) {
        const RawColumn& column = raw.columns[i];
        const bool traced = column.column != nullptr;
        columns.push_back({pg::name_from_server(column.name), traced ? column.table : 0,
                           pg::name_from_server(traced ? column.column : nullptr)});
    }
    return columns;
}

}  // namespace pgrest::catalog

#include "exec/reads_settings.h"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

namespace pgrest::exec {

namespace {

// Whatever is not known here may read. True ends the walk.
constexpr bool may_read = true;
constexpr bool reads_none = false;

#if PG_VERSION_NUM >= 150000
constexpr Oid first_of_users = FirstUnpinnedObjectId;
#else
constexpr Oid first_of_users = FirstBootstrapObjectId;
#endif

bool is_of_users(Oid object) {
    return object >= first_of_users;
}

bool is_unsure_function(Oid function, void*) {
    return is_of_users(function) || func_volatile(function) != PROVOLATILE_IMMUTABLE;
}

// A type of users can have domain checks, or a cast to json that runs when it is written. Of records and the like the
// types of their columns are not known here.
bool is_unsure_type(Oid type) {
    return is_of_users(type) || get_typtype(type) != TYPTYPE_BASE;
}

bool is_unsure_relation(const RangeTblEntry* entry) {
    switch (entry->relkind) {
        case RELKIND_RELATION:
        case RELKIND_MATVIEW:
        case RELKIND_VIEW:  // a remnant of its expansion, it is not read itself
            break;
        default:
            return may_read;  // foreign tables run code of others, partitions can be such
    }
    return entry->tablesample != nullptr || (entry->relkind == RELKIND_RELATION && has_subclass(entry->relid));
}

bool is_unsure_entry(const RangeTblEntry* entry) {
    switch (entry->rtekind) {
        case RTE_RELATION:
            return is_unsure_relation(entry);
        case RTE_SUBQUERY:
        case RTE_JOIN:
        case RTE_CTE:
        case RTE_VALUES:
        case RTE_RESULT:
            return reads_none;
        default:
            return may_read;
    }
}

bool walk(Node* node, void* context);

#if PG_VERSION_NUM >= 160000
using Walker = bool (*)(Node*, void*);
#else
using Walker = bool (*)();  // how PostgreSQL declares it
#endif
Walker walker() {
    return reinterpret_cast<Walker>(reinterpret_cast<void*>(walk));
}

bool walk_query(Query* query) {
    if (query->commandType != CMD_SELECT || query->utilityStmt || query->hasModifyingCTE || query->rowMarks)
        return may_read;
    return query_tree_walker(query, walker(), nullptr, QTW_EXAMINE_RTES_BEFORE | QTW_EXAMINE_SORTGROUP);
}

bool is_unsure(Node* node) {
    switch (nodeTag(node)) {
        case T_List:
        case T_TargetEntry:
        case T_FromExpr:
        case T_JoinExpr:
        case T_RangeTblRef:
        case T_CommonTableExpr:
        case T_CaseWhen:
        case T_WindowClause:
            return reads_none;
        case T_SortGroupClause: {
            const auto* clause = reinterpret_cast<SortGroupClause*>(node);
            return is_of_users(clause->eqop) || is_of_users(clause->sortop);
        }
        case T_RangeTblEntry:
            return is_unsure_entry(reinterpret_cast<RangeTblEntry*>(node));
        case T_FuncExpr:
        case T_OpExpr:
        case T_DistinctExpr:
        case T_NullIfExpr:
        case T_ScalarArrayOpExpr:
        case T_Aggref:
        case T_WindowFunc:
            return is_unsure_type(exprType(node)) || check_functions_in_node(node, is_unsure_function, nullptr);
        case T_Var:
        case T_Const:
        case T_Param:
        case T_BoolExpr:
        case T_NullTest:
        case T_BooleanTest:
        case T_RelabelType:
        case T_CollateExpr:
        case T_CaseExpr:
        case T_CaseTestExpr:
        case T_CoalesceExpr:
        case T_MinMaxExpr:
        case T_SQLValueFunction:
        case T_SubLink:
            return is_unsure_type(exprType(node));
        default:
            return may_read;
    }
}

bool walk(Node* node, void* context) {
    if (!node) return reads_none;
    if (IsA(node, Query)) return walk_query(reinterpret_cast<Query*>(node));
    if (is_unsure(node)) return may_read;
    // its contents are walked by query_tree_walker()
    if (IsA(node, RangeTblEntry)) return reads_none;
    return expression_tree_walker(node, walker(), context);
}

}  // namespace

bool may_read_settings(const CachedPlanSource* source) {
    ListCell* cell = nullptr;
    foreach (cell, source->query_list)
        if (walk(static_cast<Node*>(lfirst(cell)), nullptr)) return may_read;
    return source->query_list == NIL;
}

bool may_read_settings(Oid type) {
    return is_unsure_type(type);
}

}  // namespace pgrest::exec

#include "exec/plan_dependencies.h"

#include "pg/guard.h"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "utils/catcache.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace pgrest::exec {

namespace {

uint64 changes = 1;
uint64 changes_of_names = 0;
bool watching = false;

void relation_changed(Datum, Oid) {
    ++changes;
}

void name_changed(Datum, int, uint32) {
    ++changes;
    ++changes_of_names;
}

void resolution_changed(Datum, int, uint32) {
    ResetPlanCache();
}

// Plans may hold what an immutable function gave, also one that was called only by another that was inlined.
void function_changed(Datum argument, int cache, uint32 hash) {
    name_changed(argument, cache, hash);
    ResetPlanCache();
}

// No syscache has this number; PostgreSQL never finds the item that has it.
constexpr int added_marker = -1;

#if PG_VERSION_NUM >= 160000
using Walker = bool (*)(Node*, void*);
#else
using Walker = bool (*)();  // how PostgreSQL declares it
#endif

template <typename F>
Walker walker(F* function) {
    return reinterpret_cast<Walker>(reinterpret_cast<void*>(function));
}

// ---- types

void add_item(CachedPlanSource* source, int cache, uint32 hash) {
    auto* item = makeNode(PlanInvalItem);
    item->cacheId = cache;
    item->hashValue = hash;
    source->invalItems = lappend(source->invalItems, item);
}

struct TypeLinks {
    Oid element;
    Oid base;
    Oid relation;
};

TypeLinks links_of(Oid type) {
    TypeLinks links{};
    HeapTuple const tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple)) return links;
    auto* const form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
    links = {form->typelem, form->typbasetype, form->typrelid};
    ReleaseSysCache(tuple);
    return links;
}

// Types of PostgreSQL itself never change. seen: a list of those that were looked at.
void add_type(CachedPlanSource* source, List** seen, Oid type) {
    while (type >= FirstNormalObjectId && !list_member_oid(*seen, type)) {
        *seen = lappend_oid(*seen, type);
        add_item(source, TYPEOID, GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type)));
        const TypeLinks links = links_of(type);
        if (OidIsValid(links.relation)) source->relationOids = lappend_oid(source->relationOids, links.relation);
        type = OidIsValid(links.base) ? links.base : links.element;
    }
}

struct TypesOf {
    CachedPlanSource* source;
    List* seen;
};

bool has_type(const Node* node) {
    switch (nodeTag(node)) {
        case T_Var:
        case T_Const:
        case T_Param:
        case T_Aggref:
        case T_WindowFunc:
        case T_SubscriptingRef:
        case T_FuncExpr:
        case T_NamedArgExpr:
        case T_OpExpr:
        case T_NullIfExpr:
        case T_FieldSelect:
        case T_FieldStore:
        case T_RelabelType:
        case T_CoerceViaIO:
        case T_ArrayCoerceExpr:
        case T_ConvertRowtypeExpr:
        case T_CaseExpr:
        case T_CaseTestExpr:
        case T_ArrayExpr:
        case T_RowExpr:
        case T_CoalesceExpr:
        case T_MinMaxExpr:
        case T_CoerceToDomain:
        case T_CoerceToDomainValue:
        case T_SetToDefault:
            return true;
        default:
            return false;
    }
}

bool add_types(Node* node, void* context) {
    if (!node) return false;
    auto* const types = static_cast<TypesOf*>(context);
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query*>(node), walker(add_types), context, QTW_EXAMINE_RTES_BEFORE);
    if (IsA(node, RangeTblEntry)) return false;  // its contents are walked by query_tree_walker()
    if (IsA(node, RangeTblFunction)) {
        ListCell* cell = nullptr;
        foreach (cell, reinterpret_cast<RangeTblFunction*>(node)->funccoltypes)
            add_type(types->source, &types->seen, lfirst_oid(cell));
    } else if (has_type(node)) {
        add_type(types->source, &types->seen, exprType(node));
    }
    return expression_tree_walker(node, walker(add_types), context);
}

// The query that EXPLAIN explains, or the one given.
Node* explained(Query* query) {
    if (query->commandType != CMD_UTILITY) return reinterpret_cast<Node*>(query);
    if (!query->utilityStmt || !IsA(query->utilityStmt, ExplainStmt)) return nullptr;
    return reinterpret_cast<ExplainStmt*>(query->utilityStmt)->query;
}

// ---- names

void mix(uint64* meaning, uint64 part) {
    *meaning = hash_combine64(*meaning, part);
}

void mix_functions(uint64* meaning, Oid function) {
    char* const name = get_func_name(function);
    if (!name) return;
    // in no order
    uint64 together = 0;
    CatCList* const list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
    for (int i = 0; i < list->n_members; ++i)
        together +=
            hash_bytes_uint32_extended(reinterpret_cast<Form_pg_proc>(GETSTRUCT(&list->members[i]->tuple))->oid, 0);
    ReleaseSysCacheList(list);
    mix(meaning, together);
    pfree(name);
}

// The text calls aggregates by name alone, and writes a computed field like a column.
bool is_called_by_name(const FuncExpr* call) {
    if (call->funcid >= FirstNormalObjectId) return true;
    return list_length(call->args) == 1 && type_is_rowtype(exprType(static_cast<Node*>(linitial(call->args))));
}

bool mix_called(Node* node, void* context) {
    if (!node) return false;
    if (IsA(node, Query))
        return query_tree_walker(reinterpret_cast<Query*>(node), walker(mix_called), context, QTW_EXAMINE_RTES_BEFORE);
    if (IsA(node, RangeTblEntry)) return false;
    auto* const meaning = static_cast<uint64*>(context);
    if (IsA(node, Aggref))
        mix_functions(meaning, reinterpret_cast<Aggref*>(node)->aggfnoid);
    else if (IsA(node, FuncExpr) && is_called_by_name(reinterpret_cast<FuncExpr*>(node)))
        mix_functions(meaning, reinterpret_cast<FuncExpr*>(node)->funcid);
    return expression_tree_walker(node, walker(mix_called), context);
}

bool mix_type_names(Node* node, void* context) {
    if (!node) return false;
    if (IsA(node, TypeName)) {
        auto* const name = reinterpret_cast<TypeName*>(node);
        if (list_length(name->names) == 1)
            mix(static_cast<uint64*>(context), TypenameGetTypid(strVal(linitial(name->names))));
    }
    return raw_expression_tree_walker(node, walker(mix_type_names), context);
}

Node* raw_statement(const CachedPlanSource* source) {
    if (!source->raw_parse_tree) return nullptr;
    Node* const statement = source->raw_parse_tree->stmt;
    if (statement && IsA(statement, ExplainStmt)) return reinterpret_cast<ExplainStmt*>(statement)->query;
    return statement;
}

}  // namespace

void watch_plan_dependencies() {
    if (watching) return;
    watching = true;
    CacheRegisterRelcacheCallback(relation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(TYPEOID, name_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(PROCOID, function_changed, static_cast<Datum>(0));
    // what to_tsvector() of a constant gave is in plans as well
    CacheRegisterSyscacheCallback(TSCONFIGMAP, resolution_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(TSDICTOID, resolution_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(CASTSOURCETARGET, resolution_changed, static_cast<Datum>(0));
    // to whom policies apply
    CacheRegisterSyscacheCallback(AUTHOID, resolution_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, resolution_changed, static_cast<Datum>(0));
}

uint64 heard_changes() {
    return changes;
}

bool hears_changes_since(uint64 number) {
    if (changes != number) return true;
    // whose beginning hears what is new
    pg::guarded([] {
        StartTransactionCommand();
        CommitTransactionCommand();
    });
    return changes != number;
}

uint64 heard_changes_of_names() {
    return changes_of_names;
}

bool has_added_dependencies(const CachedPlanSource* source) {
    if (source->invalItems == NIL) return false;
    return static_cast<PlanInvalItem*>(llast(source->invalItems))->cacheId == added_marker;
}

void add_dependencies(CachedPlanSource* source) {
    // where the lists of PostgreSQL's own are; they go when the text is analysed anew
    if (!source->query_context) return;
    MemoryContext const before = MemoryContextSwitchTo(source->query_context);
    TypesOf types{source, NIL};
    ListCell* cell = nullptr;
    foreach (cell, source->query_list)
        add_types(explained(static_cast<Query*>(lfirst(cell))), &types);
    list_free(types.seen);
    add_item(source, added_marker, 0);
    MemoryContextSwitchTo(before);
}

void outdate(CachedPlanSource* source) {
    source->is_valid = false;
    if (source->gplan) source->gplan->is_valid = false;
}

uint64 meaning_of_names(const CachedPlanSource* source) {
    uint64 meaning = 0;
    ListCell* cell = nullptr;
    foreach (cell, source->query_list)
        mix_called(explained(static_cast<Query*>(lfirst(cell))), &meaning);
    mix_type_names(raw_statement(source), &meaning);
    return meaning;
}

}  // namespace pgrest::exec

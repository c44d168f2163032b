#include "catalog/relation_reader.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "catalog/type_text.h"
#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

struct RawColumn {
    const char* name;
    ::Oid type;
    ::int32 type_modifier;
    const char* type_name;
    bool is_json;
    bool is_tsvector;
    bool generated_always;
    const char* to_json;
    const char* from_json;
    const char* from_text;
};

struct RawRelation {
    ::Oid oid;
    ::Oid schema_oid;
    const char* schema;
    const char* name;
    char kind;
    int columns;
    RawColumn* column;
};

// Expressions and types are printed so that they mean the same under every search path.
void use_search_path_of_catalogs() {
    set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

bool is_exposed_kind(char kind) {
    return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_VIEW ||
           kind == RELKIND_MATVIEW || kind == RELKIND_FOREIGN_TABLE;
}

bool may_execute(::Oid function) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(ProcedureRelationId, function, GetSessionUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#else
    return pg_proc_aclcheck(function, GetSessionUserId(), ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

// The function of an implicit cast that the session's user may execute.
const char* cast_function(::Oid source, ::Oid target) {
    HeapTuple const tuple = SearchSysCache2(CASTSOURCETARGET, ObjectIdGetDatum(source), ObjectIdGetDatum(target));
    if (!HeapTupleIsValid(tuple)) return nullptr;
    auto* const cast = reinterpret_cast<Form_pg_cast>(GETSTRUCT(tuple));
    const bool implicit = cast->castcontext == COERCION_CODE_IMPLICIT && cast->castmethod == COERCION_METHOD_FUNCTION;
    const ::Oid function = implicit ? cast->castfunc : InvalidOid;
    ReleaseSysCache(tuple);
    if (!OidIsValid(function) || !may_execute(function)) return nullptr;
    return quote_qualified_identifier(get_namespace_name(get_func_namespace(function)), get_func_name(function));
}

void read_representations(RawColumn* column) {
    if (get_typtype(column->type) != TYPTYPE_DOMAIN) return;
    column->to_json = cast_function(column->type, JSONOID);
    column->from_json = cast_function(JSONOID, column->type);
    column->from_text = cast_function(TEXTOID, column->type);
}

void read_column(RawColumn* column, Form_pg_attribute attribute) {
    column->name = pstrdup(NameStr(attribute->attname));
    column->type = attribute->atttypid;
    column->type_modifier = attribute->atttypmod;
    column->type_name = qualified_type(attribute->atttypid, attribute->atttypmod);
    column->is_json = attribute->atttypid == JSONOID || attribute->atttypid == JSONBOID;
    column->is_tsvector = getBaseType(attribute->atttypid) == TSVECTOROID;
    column->generated_always = attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS || attribute->attgenerated != '\0';
    read_representations(column);
}

RawRelation read(::Oid relation_id) {
    RawRelation result{};
    ::Relation const relation = try_relation_open(relation_id, AccessShareLock);
    if (!relation) return result;
    const Form_pg_class form = relation->rd_rel;
    if (!is_exposed_kind(form->relkind) || form->relispartition) {
        relation_close(relation, AccessShareLock);
        return result;
    }
    const int level = NewGUCNestLevel();
    use_search_path_of_catalogs();
    result.oid = relation_id;
    result.schema_oid = form->relnamespace;
    result.schema = get_namespace_name(form->relnamespace);
    result.name = pstrdup(NameStr(form->relname));
    result.kind = form->relkind;
    TupleDesc const description = RelationGetDescr(relation);
    result.column = static_cast<RawColumn*>(palloc0(sizeof(RawColumn) * (description->natts + 1)));
    for (int i = 0; i < description->natts; ++i) {
        Form_pg_attribute const attribute = TupleDescAttr(description, i);
        if (!attribute->attisdropped) read_column(&result.column[result.columns++], attribute);
    }
    AtEOXact_GUC(true, level);
    relation_close(relation, AccessShareLock);
    return result;
}

// ---- defaults

// No default can refer to a column, so there is no context of names.
const char* deparse_default(Node* expression) {
    return deparse_expression(expression, NIL, false, false);
}

const char* stored_default(::Relation relation, AttrNumber column) {
    const TupleConstr* const constraints = RelationGetDescr(relation)->constr;
    if (!constraints) return nullptr;
    for (int i = 0; i < constraints->num_defval; ++i)
        if (constraints->defval[i].adnum == column)
            return deparse_default(static_cast<Node*>(stringToNode(constraints->defval[i].adbin)));
    return nullptr;
}

const char* default_of(::Relation relation, Form_pg_attribute attribute) {
    if (attribute->attidentity == ATTRIBUTE_IDENTITY_BY_DEFAULT) {
        const ::Oid sequence = getIdentitySequence(RelationGetRelid(relation), attribute->attnum, true);
        if (OidIsValid(sequence)) return psprintf("pg_catalog.nextval('%u'::pg_catalog.regclass)", sequence);
    }
    if (attribute->atthasdef)
        if (const char* expression = stored_default(relation, attribute->attnum)) return expression;
    Node* const of_type = get_typdefault(attribute->atttypid);
    return of_type ? deparse_default(of_type) : nullptr;
}

bool may_have_default(Form_pg_attribute attribute) {
    return !attribute->attisdropped && attribute->attidentity != ATTRIBUTE_IDENTITY_ALWAYS &&
           attribute->attgenerated == '\0';
}

struct RawDefault {
    const char* name;
    const char* expression;
};

struct RawDefaults {
    int count;
    RawDefault* column;
};

bool is_before(const char* a, const char* b) {
    return std::strcmp(a, b) < 0;
}

// wanted: sorted.
RawDefaults read_defaults(::Oid relation_id, const char* const* wanted, int count) {
    RawDefaults result{};
    ::Relation const relation = try_relation_open(relation_id, AccessShareLock);
    if (!relation) return result;
    const int level = NewGUCNestLevel();
    use_search_path_of_catalogs();
    TupleDesc const description = RelationGetDescr(relation);
    result.column = static_cast<RawDefault*>(palloc0(sizeof(RawDefault) * (description->natts + 1)));
    for (int i = 0; i < description->natts; ++i) {
        CHECK_FOR_INTERRUPTS();
        Form_pg_attribute const attribute = TupleDescAttr(description, i);
        if (!may_have_default(attribute) ||
            !std::binary_search(wanted, wanted + count, static_cast<const char*>(NameStr(attribute->attname)),
                                is_before))
            continue;
        if (const char* expression = default_of(relation, attribute))
            result.column[result.count++] = {pstrdup(NameStr(attribute->attname)), expression};
    }
    AtEOXact_GUC(true, level);
    relation_close(relation, AccessShareLock);
    return result;
}

// ----

RelationKind kind_of(char kind) {
    switch (kind) {
        case RELKIND_PARTITIONED_TABLE:
            return RelationKind::PartitionedTable;
        case RELKIND_VIEW:
            return RelationKind::View;
        case RELKIND_MATVIEW:
            return RelationKind::MaterializedView;
        case RELKIND_FOREIGN_TABLE:
            return RelationKind::ForeignTable;
        default:
            return RelationKind::Table;
    }
}

std::string text(const char* raw) {
    return pg::name_from_server(raw);
}

Column column_of(const RawColumn& raw) {
    Column column;
    column.name = text(raw.name);
    column.type = raw.type;
    column.type_modifier = raw.type_modifier;
    column.type_name = text(raw.type_name);
    column.is_json = raw.is_json;
    column.is_tsvector = raw.is_tsvector;
    column.generated_always = raw.generated_always;
    column.to_json_function = text(raw.to_json);
    column.from_json_function = text(raw.from_json);
    column.from_text_function = text(raw.from_text);
    return column;
}

}  // namespace

std::shared_ptr<Relation> read_relation(Oid relation) {
    MemoryContext const context = pg::guarded(
        [] { return AllocSetContextCreate(CurrentMemoryContext, "pgrest relation", ALLOCSET_DEFAULT_SIZES); });
    const RawRelation raw = pg::guarded([=] {
        MemoryContext const before = MemoryContextSwitchTo(context);
        const RawRelation found = read(relation);
        MemoryContextSwitchTo(before);
        return found;
    });
    std::shared_ptr<Relation> result;
    if (raw.oid != 0) {
        result = std::make_shared<Relation>();
        result->oid = raw.oid;
        result->schema_oid = raw.schema_oid;
        result->schema = text(raw.schema);
        result->name = text(raw.name);
        result->kind = kind_of(raw.kind);
        for (int i = 0; i < raw.columns; ++i)
            result->columns.push_back(column_of(raw.column[i]));
        result->index_columns();
    }
    MemoryContextDelete(context);
    return result;
}

std::unordered_map<std::string, std::string> read_defaults(Oid relation, const std::vector<std::string>& columns) {
    std::vector<std::string> converted;
    converted.reserve(columns.size());
    for (const std::string& column : columns)
        converted.push_back(pg::to_server(column));
    std::vector<const char*> names;
    for (const std::string& column : converted)
        names.push_back(column.c_str());
    std::sort(names.begin(), names.end(), is_before);
    const char* const* const wanted = names.data();
    const int count = static_cast<int>(names.size());
    MemoryContext const context = pg::guarded(
        [] { return AllocSetContextCreate(CurrentMemoryContext, "pgrest defaults", ALLOCSET_DEFAULT_SIZES); });
    const RawDefaults raw = pg::guarded([=] {
        MemoryContext const before = MemoryContextSwitchTo(context);
        const RawDefaults found = read_defaults(relation, wanted, count);
        MemoryContextSwitchTo(before);
        return found;
    });
    std::unordered_map<std::string, std::string> defaults;
    for (int i = 0; i < raw.count; ++i)
        defaults.emplace(text(raw.column[i].name), text(raw.column[i].expression));
    MemoryContextDelete(context);
    return defaults;
}

}  // namespace pgrest::catalog

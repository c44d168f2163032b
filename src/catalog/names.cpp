#include "catalog/names.h"

#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

// Longer ones, and those with a zero byte, are no names.
bool as_name(std::string_view text, NameData* name) {
    const auto converted = pg::name_to_server(text);
    if (!converted) return false;
    *name = NameData{};
    converted->copy(NameStr(*name), converted->size());
    return true;
}

std::string text_of(const NameData& name) {
    return pg::name_from_server(NameStr(name));
}

void take_name(NameData* name, char* text) {
    *name = NameData{};
    if (!text) return;
    namestrcpy(name, text);
    pfree(text);
}

::Oid id_of(const char* schema, const char* name) {
    const ::Oid schema_id = get_namespace_oid(schema, true);
    return OidIsValid(schema_id) ? get_relname_relid(name, schema_id) : InvalidOid;
}

struct RawRelation {
    bool found;
    ::Oid schema_oid;
    NameData schema;
    NameData name;
    bool is_view;
    ::Oid row_type;
};

bool has_rows(char kind) {
    return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_VIEW ||
           kind == RELKIND_MATVIEW || kind == RELKIND_FOREIGN_TABLE;
}

RawRelation read_relation_name(::Oid relation) {
    RawRelation raw{};
    CHECK_FOR_INTERRUPTS();
    HeapTuple const tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple)) return raw;
    auto* const form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    if (has_rows(form->relkind) && form->relpersistence != RELPERSISTENCE_TEMP) {
        raw.found = true;
        raw.schema_oid = form->relnamespace;
        raw.name = form->relname;
        raw.is_view = form->relkind == RELKIND_VIEW || form->relkind == RELKIND_MATVIEW;
        raw.row_type = form->reltype;
    }
    ReleaseSysCache(tuple);
    if (raw.found) take_name(&raw.schema, get_namespace_name(raw.schema_oid));
    return raw;
}

struct RawFunction {
    bool found;
    RowFunction function;
};

bool is_of_relation(::Oid relation) {
    return OidIsValid(relation) && has_rows(get_rel_relkind(relation)) &&
           get_rel_persistence(relation) != RELPERSISTENCE_TEMP;
}

RawFunction read_row_function(const NameData* schema, const NameData* name, ::Oid row_type) {
    RawFunction raw{};
    CHECK_FOR_INTERRUPTS();
    const ::Oid schema_id = get_namespace_oid(NameStr(*schema), true);
    if (!OidIsValid(schema_id)) return raw;
    oidvector* const arguments = buildoidvector(&row_type, 1);
    HeapTuple const tuple = SearchSysCache3(PROCNAMEARGSNSP, PointerGetDatum(NameStr(*name)),
                                            PointerGetDatum(arguments), ObjectIdGetDatum(schema_id));
    pfree(arguments);
    if (!HeapTupleIsValid(tuple)) return raw;
    auto* const form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    const bool plain = form->prokind == PROKIND_FUNCTION && heap_attisnull(tuple, Anum_pg_proc_proallargtypes, nullptr);
    raw.function = {form->oid, get_typ_typrelid(form->prorettype), form->proretset,
                    !form->proretset || form->prorows == 1};
    ReleaseSysCache(tuple);
    raw.found = plain && is_of_relation(raw.function.result);
    return raw;
}

}  // namespace

bool is_possible_name(std::string_view name) {
    try {
        return pg::name_to_server(name).has_value();
    } catch (const pg::Error&) {
        return false;
    }
}

Oid relation_id(std::string_view schema, std::string_view name) {
    NameData schema_name;
    NameData relation_name;
    if (!as_name(schema, &schema_name) || !as_name(name, &relation_name)) return 0;
    const NameData* const of_schema = &schema_name;
    const NameData* const of_relation = &relation_name;
    return pg::guarded([=] { return id_of(NameStr(*of_schema), NameStr(*of_relation)); });
}

std::optional<NamedRelation> find_relation(std::string_view schema, std::string_view name) {
    const Oid oid = relation_id(schema, name);
    return oid == 0 ? std::nullopt : find_relation(oid);
}

std::optional<NamedRelation> find_relation(Oid relation) {
    const RawRelation raw = pg::guarded([=] { return read_relation_name(relation); });
    if (!raw.found) return {};
    return NamedRelation{relation, raw.schema_oid, text_of(raw.schema), text_of(raw.name), raw.is_view, raw.row_type};
}

AttributeNumber column_number(Oid relation, std::string_view name) {
    NameData column;
    if (!as_name(name, &column)) return 0;
    const NameData* const of_column = &column;
    const AttributeNumber number = pg::guarded([=] { return get_attnum(relation, NameStr(*of_column)); });
    return number > 0 ? number : static_cast<AttributeNumber>(0);
}

std::string column_name(Oid relation, AttributeNumber number) {
    return text_of(pg::guarded([=] {
        CHECK_FOR_INTERRUPTS();
        NameData name;
        take_name(&name, get_attname(relation, number, true));
        return name;
    }));
}

std::string constraint_name(Oid constraint) {
    return text_of(pg::guarded([=] {
        NameData name;
        take_name(&name, get_constraint_name(constraint));
        return name;
    }));
}

QualifiedName function_name(Oid function) {
    struct Raw {
        NameData schema;
        NameData name;
    };
    const Raw raw = pg::guarded([=] {
        CHECK_FOR_INTERRUPTS();
        Raw names;
        take_name(&names.name, get_func_name(function));
        const ::Oid schema = get_func_namespace(function);
        take_name(&names.schema, OidIsValid(schema) ? get_namespace_name(schema) : nullptr);
        return names;
    });
    return {text_of(raw.schema), text_of(raw.name)};
}

std::optional<RowFunction> find_row_function(std::string_view schema, std::string_view name, Oid row_type) {
    NameData schema_name;
    NameData function_name;
    if (row_type == 0 || !as_name(schema, &schema_name) || !as_name(name, &function_name)) return {};
    const NameData* const of_schema = &schema_name;
    const NameData* const of_function = &function_name;
    const RawFunction raw = pg::guarded([=] { return read_row_function(of_schema, of_function, row_type); });
    return raw.found ? std::optional<RowFunction>(raw.function) : std::nullopt;
}

}  // namespace pgrest::catalog

#include "catalog/similar_names.h"

#include <cstring>

#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/rel.h"
}

namespace pgrest::catalog {

namespace {

constexpr int most_rows = 20000;  // of the catalog that are looked at
constexpr int most_names = 5000;

struct RawNames {
    int count;
    NameData* names;
};

// The name that a row of the catalog has to offer; nullptr: none.
using NameOf = const NameData* (*)(HeapTuple row, ::Oid schema);

const NameData* relation_name_of(HeapTuple row, ::Oid schema) {
    auto* const form = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
    if (form->relnamespace != schema || form->relispartition) return nullptr;
    return std::strchr("rpvmf", form->relkind) ? &form->relname : nullptr;
}

const NameData* function_name_of(HeapTuple row, ::Oid schema) {
    auto* const form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row));
    if (form->pronamespace != schema || form->prokind != PROKIND_FUNCTION) return nullptr;
    const bool of_trigger = form->prorettype == TRIGGEROID || form->prorettype == EVENT_TRIGGEROID;
    return of_trigger ? nullptr : &form->proname;
}

RawNames read(::Oid catalog, const char* schema, NameOf name_of) {
    RawNames found{};
    const ::Oid schema_id = get_namespace_oid(schema, true);
    if (!OidIsValid(schema_id)) return found;
    found.names = static_cast<NameData*>(palloc(sizeof(NameData) * most_names));
    ::Relation const relation = table_open(catalog, AccessShareLock);
    SysScanDesc const rows = systable_beginscan(relation, InvalidOid, false, nullptr, 0, nullptr);
    for (int seen = 0; seen < most_rows && found.count < most_names; ++seen) {
        CHECK_FOR_INTERRUPTS();
        HeapTuple const row = systable_getnext(rows);
        if (!HeapTupleIsValid(row)) break;
        if (const NameData* name = name_of(row, schema_id)) found.names[found.count++] = *name;
    }
    systable_endscan(rows);
    table_close(relation, AccessShareLock);
    return found;
}

std::vector<std::string> names_in(::Oid catalog, std::string_view schema, NameOf name_of) {
    const auto converted = pg::name_to_server(schema);
    if (!converted) return {};
    const char* const schema_text = converted->c_str();
    const RawNames raw = pg::guarded([=] { return read(catalog, schema_text, name_of); });
    std::vector<std::string> names;
    names.reserve(raw.count);
    for (int i = 0; i < raw.count; ++i)
        names.push_back(pg::name_from_server(NameStr(raw.names[i])));
    return names;
}

}  // namespace

std::vector<std::string> some_relation_names(std::string_view schema) {
    return names_in(RelationRelationId, schema, relation_name_of);
}

std::vector<std::string> some_function_names(std::string_view schema) {
    return names_in(ProcedureRelationId, schema, function_name_of);
}

}  // namespace pgrest::catalog

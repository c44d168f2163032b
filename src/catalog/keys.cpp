#include "catalog/keys.h"

#include <algorithm>

#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

// ---- lists as plain memory

template <typename T>
struct RawList {
    int count;
    int room;
    T* items;

    void add(const T& item) {
        if (count == room) {
            room = room ? room * 2 : 16;
            items = static_cast<T*>(items ? repalloc_huge(items, sizeof(T) * room) : palloc(sizeof(T) * room));
        }
        items[count++] = item;
    }
};

// Rows of a catalog whose index columns begin with these values, each given to `use` as long as it says true.
template <typename F>
void scan(::Oid catalog, ::Oid index, int keys, ScanKeyData* key, F use) {
    ::Relation const relation = table_open(catalog, AccessShareLock);
    SysScanDesc const rows = systable_beginscan(relation, index, true, nullptr, keys, key);
    for (HeapTuple tuple = systable_getnext(rows); HeapTupleIsValid(tuple); tuple = systable_getnext(rows)) {
        CHECK_FOR_INTERRUPTS();
        if (!use(tuple, RelationGetDescr(relation))) break;
    }
    systable_endscan(rows);
    table_close(relation, AccessShareLock);
}

// A memory context for what a reader allocates, current while it reads.
class ReadingMemory {
public:
    ReadingMemory()
        : context_(pg::guarded(
              [] { return AllocSetContextCreate(CurrentMemoryContext, "pgrest keys", ALLOCSET_DEFAULT_SIZES); })) {}
    ~ReadingMemory() { MemoryContextDelete(context_); }
    ReadingMemory(const ReadingMemory&) = delete;
    ReadingMemory& operator=(const ReadingMemory&) = delete;

    template <typename F>
    auto run(F read) const {
        MemoryContext const context = context_;
        return pg::guarded([=] {
            MemoryContext const before = MemoryContextSwitchTo(context);
            const auto result = read();
            MemoryContextSwitchTo(before);
            return result;
        });
    }

private:
    MemoryContext context_;
};

// ---- constraints

struct RawColumns {
    int count;
    int16* number;
};

struct RawConstraint {
    ::Oid oid;
    char type;
    ::Oid referencing;
    ::Oid referenced;
    RawColumns from;
    RawColumns to;
};

RawColumns columns_in(HeapTuple tuple, AttrNumber attribute, TupleDesc description) {
    RawColumns columns{};
    bool null = false;
    Datum const value = heap_getattr(tuple, attribute, description, &null);
    if (null) return columns;
    ArrayType* const array = DatumGetArrayTypePCopy(value);
    columns.count = ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;
    columns.number = reinterpret_cast<int16*>(ARR_DATA_PTR(array));
    return columns;
}

// What a partition has of its parent is no key of its own.
bool is_inherited_foreign_key(Form_pg_constraint form) {
    return form->contype == CONSTRAINT_FOREIGN && OidIsValid(form->conparentid);
}

bool is_key(Form_pg_constraint form) {
    return form->contype == CONSTRAINT_PRIMARY || form->contype == CONSTRAINT_UNIQUE ||
           form->contype == CONSTRAINT_FOREIGN;
}

RawList<RawConstraint> read_constraints(::Oid table) {
    RawList<RawConstraint> found{};
    RawList<RawConstraint>* const list = &found;
    ScanKeyData key[1];
    ScanKeyInit(&key[0], Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
    scan(ConstraintRelationId, ConstraintRelidTypidNameIndexId, 1, key, [=](HeapTuple tuple, TupleDesc description) {
        auto* const form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
        if (!is_key(form) || is_inherited_foreign_key(form)) return true;
        list->add({form->oid, form->contype, form->conrelid, form->confrelid,
                   columns_in(tuple, Anum_pg_constraint_conkey, description),
                   columns_in(tuple, Anum_pg_constraint_confkey, description)});
        return true;
    });
    return found;
}

Columns columns_of(const RawColumns& raw) {
    return Columns(raw.number, raw.number + raw.count);
}

Columns sorted(Columns columns) {
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    return columns;
}

// ---- dependents

struct RawDependents {
    RawList<Reference> references;
    RawList<::Oid> views;
};

bool read_reference(::Oid constraint, ::Oid referenced, Reference* reference) {
    HeapTuple const tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(tuple)) return false;
    auto* const form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
    const bool wanted = form->contype == CONSTRAINT_FOREIGN && !OidIsValid(form->conparentid) &&
                        (!OidIsValid(referenced) || form->confrelid == referenced);
    *reference = {constraint, form->conrelid};
    ReleaseSysCache(tuple);
    return wanted;
}

::Oid view_of_rule(::Oid rule) {
    ::Oid view = InvalidOid;
    ::Oid* const found = &view;
    ScanKeyData key[1];
    ScanKeyInit(&key[0], Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
    scan(RewriteRelationId, RewriteOidIndexId, 1, key, [=](HeapTuple tuple, TupleDesc) {
        auto* const form = reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(tuple));
        if (form->ev_type == '1') *found = form->ev_class;  // ON SELECT
        return false;
    });
    return view;
}

void scan_key_of_reference(ScanKeyData* key, ::Oid object_class, ::Oid object) {
    ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object_class));
    ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
}

// One dependent has a row for each column that it uses.
template <typename F>
void for_each_once(RawList<::Oid> objects, F use) {
    std::sort(objects.items, objects.items + objects.count);
    for (int i = 0; i < objects.count; ++i)
        if (i == 0 || objects.items[i] != objects.items[i - 1]) use(objects.items[i]);
}

RawDependents read_raw_dependents(::Oid relation) {
    RawList<::Oid> constraints{};
    RawList<::Oid> rules{};
    RawList<::Oid>* const all_constraints = &constraints;
    RawList<::Oid>* const all_rules = &rules;
    ScanKeyData key[2];
    scan_key_of_reference(key, RelationRelationId, relation);
    scan(DependRelationId, DependReferenceIndexId, 2, key, [=](HeapTuple tuple, TupleDesc) {
        auto* const form = reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple));
        if (form->classid == ConstraintRelationId) all_constraints->add(form->objid);
        if (form->classid == RewriteRelationId) all_rules->add(form->objid);
        return true;
    });
    RawDependents found{};
    for_each_once(constraints, [&](::Oid constraint) {
        Reference reference;
        if (read_reference(constraint, relation, &reference)) found.references.add(reference);
    });
    for_each_once(rules, [&](::Oid rule) {
        CHECK_FOR_INTERRUPTS();
        const ::Oid view = view_of_rule(rule);
        if (OidIsValid(view) && view != relation) found.views.add(view);
    });
    return found;
}

RawList<Reference> read_raw_named(::Oid schema, const char* name) {
    RawList<::Oid> constraints{};
    RawList<::Oid>* const all = &constraints;
    ScanKeyData key[2];
    ScanKeyInit(&key[0], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
    ScanKeyInit(&key[1], Anum_pg_constraint_connamespace, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(schema));
    scan(ConstraintRelationId, ConstraintNameNspIndexId, 2, key, [=](HeapTuple tuple, TupleDesc) {
        all->add(reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple))->oid);
        return true;
    });
    RawList<Reference> found{};
    for_each_once(constraints, [&](::Oid constraint) {
        Reference reference;
        if (read_reference(constraint, InvalidOid, &reference)) found.add(reference);
    });
    return found;
}

RawList<::Oid> read_raw_functions(::Oid row_type, int most) {
    RawList<::Oid> found{};
    RawList<::Oid>* const list = &found;
    int looked_at = 0;
    int* const seen = &looked_at;
    ScanKeyData key[2];
    scan_key_of_reference(key, TypeRelationId, row_type);
    scan(DependRelationId, DependReferenceIndexId, 2, key, [=](HeapTuple tuple, TupleDesc) {
        auto* const form = reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple));
        if (form->classid == ProcedureRelationId) list->add(form->objid);
        return ++*seen < most;
    });
    return found;
}

}  // namespace

TableKeys read_keys(Oid table) {
    const ReadingMemory memory;
    const auto raw = memory.run([=] { return read_constraints(table); });
    TableKeys keys;
    std::vector<Columns> unique;
    for (int i = 0; i < raw.count; ++i) {
        const RawConstraint& one = raw.items[i];
        Columns from = columns_of(one.from);
        if (one.type == CONSTRAINT_FOREIGN) {
            Columns to = columns_of(one.to);
            if (from.empty() || from.size() != to.size()) continue;
            keys.foreign_keys.push_back(
                {one.oid, one.referencing, one.referenced, std::move(from), std::move(to), false});
            continue;
        }
        unique.push_back(sorted(from));
        if (one.type == CONSTRAINT_PRIMARY) keys.primary_key = std::move(from);
    }
    for (ForeignKey& key : keys.foreign_keys)
        key.one_to_one = std::find(unique.begin(), unique.end(), sorted(key.from)) != unique.end();
    return keys;
}

Dependents read_dependents(Oid relation) {
    const ReadingMemory memory;
    const auto raw = memory.run([=] { return read_raw_dependents(relation); });
    Dependents found;
    found.of_partitioned = memory.run([=] { return get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE; });
    found.references.assign(raw.references.items, raw.references.items + raw.references.count);
    found.views.assign(raw.views.items, raw.views.items + raw.views.count);
    std::sort(found.views.begin(), found.views.end());
    found.views.erase(std::unique(found.views.begin(), found.views.end()), found.views.end());
    return found;
}

std::vector<Reference> read_foreign_keys_named(Oid schema, std::string_view name) {
    const auto converted = pg::name_to_server(name);
    if (!converted) return {};
    NameData wanted{};
    converted->copy(NameStr(wanted), converted->size());
    const NameData* const text = &wanted;
    const ReadingMemory memory;
    const auto raw = memory.run([=] { return read_raw_named(schema, NameStr(*text)); });
    return std::vector<Reference>(raw.items, raw.items + raw.count);
}

std::vector<Oid> read_functions_of_row(Oid row_type, int most) {
    const ReadingMemory memory;
    const auto raw = memory.run([=] { return read_raw_functions(row_type, most); });
    return std::vector<Oid>(raw.items, raw.items + raw.count);
}

}  // namespace pgrest::catalog

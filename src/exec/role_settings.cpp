#include "exec/role_settings.h"

#include <cstring>

#include "exec/settings_guc.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace pgrest::exec {

namespace {

bool is_direct_member(Oid role, Oid member) {
#if PG_VERSION_NUM >= 160000
    CatCList* const found = SearchSysCacheList2(AUTHMEMROLEMEM, ObjectIdGetDatum(role), ObjectIdGetDatum(member));
    const bool any = found->n_members > 0;
    ReleaseSysCacheList(found);
    return any;
#else
    return SearchSysCacheExists2(AUTHMEMROLEMEM, ObjectIdGetDatum(role), ObjectIdGetDatum(member));
#endif
}

int isolation_of(const char* value) {
    if (pg_strcasecmp(value, "serializable") == 0) return static_cast<int>(Isolation::Serializable);
    if (pg_strcasecmp(value, "repeatable read") == 0) return static_cast<int>(Isolation::RepeatableRead);
    return static_cast<int>(Isolation::ReadCommitted);
}

// ---- the clauses of a role as they stand in the catalog

struct Clauses {
    Oid role;  // key of the hash table
    int count;
    const char** names;
    const char** values;
};

void split(Clauses* clauses, char* clause) {
    char* const equals = std::strchr(clause, '=');
    if (!equals) return;
    *equals = '\0';
    clauses->names[clauses->count] = clause;
    clauses->values[clauses->count] = equals + 1;
    ++clauses->count;
}

void split_all(Clauses* clauses, ArrayType* array) {
    Datum* elements = nullptr;
    int count = 0;
    deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr, &count);
    clauses->names = static_cast<const char**>(palloc0(sizeof(char*) * (count + 1)));
    clauses->values = static_cast<const char**>(palloc0(sizeof(char*) * (count + 1)));
    for (int i = 0; i < count; ++i)
        split(clauses, TextDatumGetCString(elements[i]));
}

// palloc'd. transactions: how many had ended when it was looked.
Clauses read_clauses(Oid role, uint64* transactions) {
    Clauses clauses{role, 0, nullptr, nullptr};
    Relation const catalog = table_open(DbRoleSettingRelationId, AccessShareLock);
    *transactions = GetCatalogSnapshot(DbRoleSettingRelationId)->snapXactCompletionCount;
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(InvalidOid));
    ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
    SysScanDesc const scan = systable_beginscan(catalog, DbRoleSettingDatidRolidIndexId, true, nullptr, 2, keys);
    HeapTuple const tuple = systable_getnext(scan);
    if (HeapTupleIsValid(tuple)) {
        bool null = false;
        Datum const array = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig, RelationGetDescr(catalog), &null);
        if (!null) split_all(&clauses, DatumGetArrayTypePCopy(array));
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return clauses;
}

// ---- what was read, remembered

// PostgreSQL has no cache of pg_db_role_setting and tells nobody when it changes. But nothing in a catalog becomes
// visible unless a transaction ends, and PostgreSQL counts those that do (it reuses its own snapshots by that count).
struct Remembered {
    static constexpr long kMost = 1000;
    MemoryContext context = nullptr;
    HTAB* by_role = nullptr;
    uint64 transactions = 0;
} remembered;

// Read without a lock: whoever has seen a commit done reads a number that counts it.
uint64 ended_transactions() {
#if PG_VERSION_NUM >= 170000
    return __atomic_load_n(&TransamVariables->xactCompletionCount, __ATOMIC_ACQUIRE);
#else
    return __atomic_load_n(&ShmemVariableCache->xactCompletionCount, __ATOMIC_ACQUIRE);
#endif
}

void forget_all(uint64 transactions) {
    if (!remembered.context)
        remembered.context = AllocSetContextCreate(TopMemoryContext, "pgrest role settings", ALLOCSET_SMALL_SIZES);
    remembered.by_role = nullptr;
    MemoryContextReset(remembered.context);
    HASHCTL control;
    std::memset(&control, 0, sizeof control);
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(Clauses);
    control.hcxt = remembered.context;
    remembered.by_role = hash_create("pgrest role settings", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    remembered.transactions = transactions;
}

Clauses read_and_remember(Oid role) {
    uint64 transactions = 0;
    const Clauses read = read_clauses(role, &transactions);
    if (!remembered.by_role || remembered.transactions != transactions ||
        hash_get_num_entries(remembered.by_role) >= Remembered::kMost)
        forget_all(transactions);
    MemoryContext const before = MemoryContextSwitchTo(remembered.context);
    Clauses kept{role, read.count, nullptr, nullptr};
    kept.names = static_cast<const char**>(palloc(sizeof(char*) * (read.count + 1)));
    kept.values = static_cast<const char**>(palloc(sizeof(char*) * (read.count + 1)));
    for (int i = 0; i < read.count; ++i) {
        kept.names[i] = pstrdup(read.names[i]);
        kept.values[i] = pstrdup(read.values[i]);
    }
    MemoryContextSwitchTo(before);
    *static_cast<Clauses*>(hash_search(remembered.by_role, &role, HASH_ENTER, nullptr)) = kept;
    return kept;
}

Clauses clauses_of(Oid role) {
    if (remembered.by_role && remembered.transactions == ended_transactions())
        if (const void* known = hash_search(remembered.by_role, &role, HASH_FIND, nullptr))
            return *static_cast<const Clauses*>(known);
    return read_and_remember(role);
}

// ---- what of them counts

void add_setting(RoleSettings* settings, const char* name, const char* value) {
    if (pg_strcasecmp(name, "default_transaction_isolation") == 0) {
        settings->isolation = isolation_of(value);
        return;
    }
    if (!may_set(name)) return;
    settings->names[settings->count] = name;
    settings->values[settings->count] = value;
    ++settings->count;
}

}  // namespace

RoleSettings read_role_settings(const char* role, Oid authenticator, bool own_transaction) {
    RoleSettings settings;
    const Oid role_id = get_role_oid(role, true);
    if (!OidIsValid(role_id) || !is_direct_member(role_id, authenticator)) return settings;
    uint64 unused = 0;
    // inside of somebody's transaction, which may have changed settings itself, nothing is remembered
    const Clauses clauses = own_transaction ? clauses_of(role_id) : read_clauses(role_id, &unused);
    if (clauses.count == 0) return settings;
    settings.names = static_cast<const char**>(palloc(sizeof(char*) * clauses.count));
    settings.values = static_cast<const char**>(palloc(sizeof(char*) * clauses.count));
    for (int i = 0; i < clauses.count; ++i)
        add_setting(&settings, clauses.names[i], clauses.values[i]);
    return settings;
}

}  // namespace pgrest::exec

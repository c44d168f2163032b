#include "exec/role_settings.h"

#include <cstring>

#include "exec/settings_guc.h"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
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

void add_setting(RoleSettings* settings, char* clause) {
    char* const equals = std::strchr(clause, '=');
    if (!equals) return;
    *equals = '\0';
    if (pg_strcasecmp(clause, "default_transaction_isolation") == 0) {
        settings->isolation = isolation_of(equals + 1);
        return;
    }
    if (!may_set(clause)) return;
    settings->names[settings->count] = clause;
    settings->values[settings->count] = equals + 1;
    ++settings->count;
}

void add_settings(RoleSettings* settings, ArrayType* clauses) {
    Datum* elements = nullptr;
    int count = 0;
    deconstruct_array(clauses, TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr, &count);
    settings->names = static_cast<const char**>(palloc0(sizeof(char*) * (count + 1)));
    settings->values = static_cast<const char**>(palloc0(sizeof(char*) * (count + 1)));
    for (int i = 0; i < count; ++i)
        add_setting(settings, TextDatumGetCString(elements[i]));
}

}  // namespace

RoleSettings read_role_settings(const char* role, Oid authenticator) {
    RoleSettings settings;
    const Oid role_id = get_role_oid(role, true);
    if (!OidIsValid(role_id) || !is_direct_member(role_id, authenticator)) return settings;
    Relation const catalog = table_open(DbRoleSettingRelationId, AccessShareLock);
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(InvalidOid));
    ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role_id));
    SysScanDesc const scan = systable_beginscan(catalog, DbRoleSettingDatidRolidIndexId, true, nullptr, 2, keys);
    HeapTuple const tuple = systable_getnext(scan);
    if (HeapTupleIsValid(tuple)) {
        bool null = false;
        Datum const clauses = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig, RelationGetDescr(catalog), &null);
        if (!null) add_settings(&settings, DatumGetArrayTypePCopy(clauses));
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return settings;
}

}  // namespace pgrest::exec

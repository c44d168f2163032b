// What a request may leave behind in its session is removed before the next one: DISCARD ALL (commands/discard.c)
// without the plan cache, which is ours and keyed by role; and what a client's backend gives up after an error
// (tcop/postgres.c).
#include "exec/transaction.h"
#include "pg/guard.h"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "jit/jit.h"
#include "replication/origin.h"
#include "replication/slot.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#endif
}

namespace pgrest::exec {

namespace {

// Random, but no secret. A request that called setseed() must not know what random() gives the next one.
double any_seed() {
#if PG_VERSION_NUM >= 150000
    return pg_prng_double(&pg_global_prng_state);
#else
    uint32 bits = 0;
    if (!pg_strong_random(&bits, sizeof bits)) elog(ERROR, "there are no random numbers");
    return bits / 4294967296.0;
#endif
}

// Only this process writes its own pid, so no lock is needed to look for it.
bool has_replication_slot() {
    for (int i = 0; i < max_replication_slots; ++i)
        if (ReplicationSlotCtl->replication_slots[i].active_pid == MyProcPid) return true;
    return false;
}

void let_go_of_replication() {
    if (replorigin_session_origin != InvalidRepOriginId) {
        replorigin_session_reset();
        replorigin_session_origin = InvalidRepOriginId;
    }
    replorigin_session_origin_lsn = InvalidXLogRecPtr;
    replorigin_session_origin_timestamp = 0;
    if (MyReplicationSlot) ReplicationSlotRelease();
    if (!has_replication_slot()) return;
#if PG_VERSION_NUM >= 170000
    ReplicationSlotCleanup(/* synced_only */ false);
#else
    ReplicationSlotCleanup();
#endif
}

// What was made in the temporary schema is removed in a transaction. It would count as one of the database's, so
// sessions that never had such a schema do without.
void drop_temporary_objects() {
    Oid schema = InvalidOid;
    Oid toast_schema = InvalidOid;
    GetTempNamespaceState(&schema, &toast_schema);
    if (!OidIsValid(schema)) return;
    StartTransactionCommand();
    // as PostgreSQL does when a session ends: what is removed may have to be read from a TOAST table
    PushActiveSnapshot(GetTransactionSnapshot());
    ResetTempTableNamespace();
    PopActiveSnapshot();
    CommitTransactionCommand();
}

// LISTEN is not among it: PostgreSQL refuses it in background workers.
void clean_up() {
    // RESET ALL leaves the role alone
    set_config_option("role", "none", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
    ResetAllOptions();
    PortalHashTableDeleteAll();
    DropAllPreparedStatements();
    LockReleaseAll(USER_LOCKMETHOD, true);
    drop_temporary_objects();
    ResetSequenceCaches();
    DirectFunctionCall1(setseed, Float8GetDatum(any_seed()));
    let_go_of_replication();
    jit_reset_after_error();
}

}  // namespace

void clean_up_session() {
    try {
        pg::guarded([] { clean_up(); });
    } catch (const std::exception&) {
        // a session that cannot be cleaned must not serve another role
        proc_exit(1);
    }
}

}  // namespace pgrest::exec

// What a request may leave behind in its session is removed before the next one: DISCARD ALL (commands/discard.c)
// without the plan cache, which is ours and keyed by role.
#include "exec/transaction.h"
#include "pg/guard.h"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/portal.h"
}

namespace pgrest::exec {

namespace {

void clean_up() {
    // RESET ALL leaves the role alone
    set_config_option("role", "none", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
    ResetAllOptions();
    PortalHashTableDeleteAll();
    DropAllPreparedStatements();
    Async_UnlistenAll();
    LockReleaseAll(USER_LOCKMETHOD, true);
    ResetTempTableNamespace();
    ResetSequenceCaches();
}

}  // namespace

void clean_up_session() {
    try {
        pg::guarded([] {
            StartTransactionCommand();
            clean_up();
            CommitTransactionCommand();
        });
    } catch (const std::exception&) {
        // a session that cannot be cleaned must not serve another role
        proc_exit(1);
    }
}

}  // namespace pgrest::exec

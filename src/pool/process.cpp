#include "pool/process.h"

#include <csignal>
#include <cstdio>
#include <cstring>

extern "C" {
#include <libpq/pqsignal.h>
#include <pgstat.h>
#include <postmaster/interrupt.h>
#include <storage/latch.h>
#include <storage/sinval.h>
#include <utils/guc.h>
}

namespace pgrest::pool {

BackgroundWorker describe_worker(const char* type, const char* function, int index, int restart) {
    BackgroundWorker worker;
    std::memset(&worker, 0, sizeof worker);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_ConsistentState;  // also on a standby
    worker.bgw_restart_time = restart;
    worker.bgw_main_arg = Int32GetDatum(index);
    std::snprintf(worker.bgw_name, sizeof worker.bgw_name, "%s", type);
    std::snprintf(worker.bgw_type, sizeof worker.bgw_type, "%s", type);
    std::snprintf(worker.bgw_library_name, sizeof worker.bgw_library_name, "pgrest");
    std::snprintf(worker.bgw_function_name, sizeof worker.bgw_function_name, "%s", function);
    return worker;
}

void start_without_database() {
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    pqsignal(SIGINT, SIG_IGN);
    BackgroundWorkerUnblockSignals();
    BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
}

bool handle_interrupts() {
    CHECK_FOR_INTERRUPTS();
    if (catchupInterruptPending) ProcessCatchupInterrupt();
    if (!ConfigReloadPending) return false;
    ConfigReloadPending = false;
    ProcessConfigFile(PGC_SIGHUP);
    return true;
}

uint32 wait_event(Wait wait) {
#if PG_VERSION_NUM >= 170000
    static constexpr const char* names[] = {"PgrestWork", "PgrestClients", "PgrestExecutors", "PgrestClient"};
    static uint32 events[4];
    uint32& event = events[static_cast<int>(wait)];
    if (event == 0) event = WaitEventExtensionNew(names[static_cast<int>(wait)]);
    return event;
#else
    (void)wait;
    return PG_WAIT_EXTENSION;
#endif
}

}  // namespace pgrest::pool

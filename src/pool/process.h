// What the background workers of pgrest have in common: how they are registered, how they answer PostgreSQL's own
// requests (signals, reload, invalidation).
#pragma once

#include "pg/postgres.h"

extern "C" {
#include <postmaster/bgworker.h>
}

namespace pgrest::pool {

inline constexpr const char* launcher_type = "pgrest launcher";
inline constexpr const char* listener_type = "pgrest listener";
inline constexpr const char* executor_type = "pgrest executor";

// Filled for RegisterBackgroundWorker or RegisterDynamicBackgroundWorker. restart: seconds, or BGW_NEVER_RESTART.
BackgroundWorker describe_worker(const char* type, const char* function, int index, int restart);

// For launcher and listeners: SIGTERM asks for the end of the main loop (ShutdownRequestPending); connects to no
// database, so that the process is seen in pg_stat_activity.
void start_without_database();

// Once around a main loop. Reads the configuration file again when SIGHUP came, and says so. May raise.
bool handle_interrupts();

// What pg_stat_activity shows of a process that waits: named events from PostgreSQL 17 on, before that just
// "Extension".
enum class Wait { ForWork, ForClients, ForExecutors, ForClient };
uint32 wait_event(Wait wait);

}  // namespace pgrest::pool

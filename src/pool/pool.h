// The running server as other parts of the extension see it: is it there, what are its processes doing, reload,
// pause and resume. The processes themselves (launcher, listeners, executors) are behind this.
//
// The functions may be called from any backend, inside or outside a transaction. They throw pg::Error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pgrest::pool {

// Called once by _PG_init while shared libraries are preloaded: shared memory and the workers that start with the
// server. May raise.
void install();

// Whether this server runs pgrest: false when the library was not loaded by shared_preload_libraries.
bool available();

// Makes every process read the configuration again. What pg_reload_conf() does.
bool reload();

// Lets go of the database: executors finish what they run and end, and requests get 503 until resume(). Returns when no
// executor is left. False when paused already.
bool pause();
bool resume();

struct WorkerRow {
    int pid = 0;
    std::string kind;           // "launcher", "listener", "executor"
    std::string state;          // "starting", "idle", "running", "serving", "paused"
    std::string since;          // timestamptz text: since when in this state
    std::string request;        // method and path of the current request, "" = none
    std::int64_t requests = 0;  // requests answered so far
};

std::vector<WorkerRow> workers();

// What requests and bodies on their way take of the shared memory. Of `slots` requests some are being handed over, some
// wait for an executor, some run, and some are answered and their client has not taken everything yet.
struct QueueRow {
    int slots = 0, arriving = 0, waiting = 0, running = 0, answered = 0;
    std::int64_t body_memory = 0, body_memory_used = 0;  // bytes
};

QueueRow queue();

}  // namespace pgrest::pool

// The memory that one request may take in this process (pgrest.request_memory), whoever takes it: PostgreSQL's
// contexts, our own objects, libraries. Two things see to it, since neither is enough:
//
// - A timer that runs with the processor time of the process looks at its memory. Above seven eighths the statement is
//   cancelled, at the next place where PostgreSQL can be interrupted. The error is 53200, and PL/pgSQL's OTHERS does
//   not catch it, as it catches no cancel.
// - The system gives nothing beyond the bound (RLIMIT_DATA). So what grows between two such places ends with
//   PostgreSQL's own 53200, or with std::bad_alloc. Only on Linux does this limit count all of a process's own memory.
//   It does not hold while a transaction that wrote commits: behind its commit record PostgreSQL turns every error
//   into a panic, which restarts the server.
//
// Only of executors. What was held when bound_memory() was called is not counted.
#pragma once

#include <cstddef>
#include <optional>

#include "http/error.h"

namespace pgrest::pg {

// Bytes of this process alone. Nothing where the system does not tell.
struct OwnMemory {
    std::size_t resident = 0;  // in memory, without shared and file-backed pages (RssAnon, proc_pid_status(5))
    std::size_t mapped = 0;    // asked for, touched or not (VmData and the stack)
};
std::optional<OwnMemory> own_memory();

// Once, before the first bound: starts the timer (SIGPROF), and listens to commits.
void start_memory_watch();

// From now on so much more may be taken; nothing: any amount. Also forgets that there was too much.
void bound_memory(std::optional<std::size_t> most);

// The timer acts only between these two.
void watch_memory();
void unwatch_memory();

// A little more is given, so that what failed can be cleaned up and told. Until the next bound_memory().
void lift_memory_bound();

// Whether the bound was met since bound_memory().
bool memory_bound_was_met();

// Whether free memory between pieces that stay is so much that a new process is better. As of the last bound_memory().
bool heap_is_torn();

// Says of a cancel by the timer what it is, and lifts the bound when it was met.
void explain_memory_error(http::DatabaseError& error);

}  // namespace pgrest::pg

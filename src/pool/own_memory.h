// The memory that belongs to this process alone: PostgreSQL's contexts, our own objects, and what the C library keeps
// of both after they were freed.
#pragma once

#include <cstddef>
#include <optional>

namespace pgrest::pool {

// Bytes that are in memory, without shared and file-backed ones (RssAnon, proc_pid_status(5)). Nothing where the system
// does not tell.
std::optional<std::size_t> own_memory();

// Returns what is free on the heap to the system. Takes time in proportion to it.
void give_back_free_memory();

}  // namespace pgrest::pool

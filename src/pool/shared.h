// The shared memory of ipc/shared.h as a part of PostgreSQL's.
#pragma once

namespace pgrest::pool {

// Asks PostgreSQL for the memory and makes it. Called by _PG_init while libraries are preloaded.
void install_shared_memory();

}  // namespace pgrest::pool

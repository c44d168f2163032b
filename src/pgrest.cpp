// Entry point of the library: PostgreSQL calls _PG_init when it loads it.
#include "pg/guard.h"
#include "pool/pool.h"
#include "settings/settings.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);
}

extern "C" void _PG_init(void) {
    pgrest::pg::translate_exceptions([] {
        pgrest::settings::define();
        if (process_shared_preload_libraries_in_progress) pgrest::pool::install();
    });
}

// pgrest.version(), reload(), pause(), resume(), workers(), queue(): the running server seen from SQL.
#include <string>

#include "functions/arguments.h"
#include "functions/superuser.h"
#include "pg/error.h"
#include "pg/guard.h"
#include "pool/pool.h"
#include "version.h"

extern "C" {
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pgrest_version);
PG_FUNCTION_INFO_V1(pgrest_reload);
PG_FUNCTION_INFO_V1(pgrest_pause);
PG_FUNCTION_INFO_V1(pgrest_resume);
PG_FUNCTION_INFO_V1(pgrest_workers);
PG_FUNCTION_INFO_V1(pgrest_queue);
}

namespace {

void require_pool() {
    if (pgrest::pool::available()) return;
    pgrest::http::DatabaseError error;
    error.sqlstate = "55000";
    error.message = "pgrest is not running in this server";
    error.hint = "Add pgrest to shared_preload_libraries in postgresql.conf and restart the server.";
    throw pgrest::pg::Error(std::move(error));
}

}  // namespace

extern "C" PGDLLEXPORT Datum pgrest_version(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    PG_RETURN_TEXT_P(cstring_to_text(PGREST_VERSION));
}

extern "C" PGDLLEXPORT Datum pgrest_reload(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    return pgrest::pg::translate_exceptions([] {
        require_pool();
        pgrest::functions::require_superuser("reload");
        return BoolGetDatum(pgrest::pool::reload());
    });
}

extern "C" PGDLLEXPORT Datum pgrest_pause(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    return pgrest::pg::translate_exceptions([] {
        require_pool();
        pgrest::functions::require_superuser("pause");
        return BoolGetDatum(pgrest::pool::pause());
    });
}

extern "C" PGDLLEXPORT Datum pgrest_resume(PG_FUNCTION_ARGS) {
    (void)fcinfo;
    return pgrest::pg::translate_exceptions([] {
        require_pool();
        pgrest::functions::require_superuser("resume");
        return BoolGetDatum(pgrest::pool::resume());
    });
}

extern "C" PGDLLEXPORT Datum pgrest_workers(PG_FUNCTION_ARGS) {
    return pgrest::pg::translate_exceptions([&] {
        require_pool();
        std::vector<std::vector<std::optional<std::string>>> rows;
        for (const pgrest::pool::WorkerRow& worker : pgrest::pool::workers()) {
            std::optional<std::string> request;
            if (!worker.request.empty()) request = worker.request;
            rows.push_back({std::to_string(worker.pid), worker.kind, worker.state, worker.since, request,
                            std::to_string(worker.requests)});
        }
        pgrest::functions::return_rows(fcinfo, rows);
        return static_cast<Datum>(0);
    });
}

extern "C" PGDLLEXPORT Datum pgrest_queue(PG_FUNCTION_ARGS) {
    return pgrest::pg::translate_exceptions([&] {
        require_pool();
        const pgrest::pool::QueueRow row = pgrest::pool::queue();
        return pgrest::functions::record_of_texts(
            fcinfo, {std::to_string(row.slots), std::to_string(row.arriving), std::to_string(row.waiting),
                     std::to_string(row.running), std::to_string(row.answered), std::to_string(row.body_memory),
                     std::to_string(row.body_memory_used)});
    });
}

#include "catalog/query.h"

#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "catalog/pg_constraint.h"
#include "executor/spi.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
}

namespace pgrest::catalog {

namespace {

// Rows as plain memory, in a context that outlives SPI.
struct Rows {
    int rows;
    int columns;
    char** values;
};

Rows run(const char* sql, MemoryContext context) {
    Rows result{};
    // operators are looked up by this path, and whoever calls may have a path of anybody's
    const int settings_level = NewGUCNestLevel();
    set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    PushActiveSnapshot(GetCatalogSnapshot(ConstraintRelationId));
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI is not available");
    // no parallel plan: its workers would need the transaction's snapshot, and taking that would settle the isolation
    // level before the request's role and function have chosen it
    SPIPlanPtr const plan = SPI_prepare_cursor(sql, 0, nullptr, CURSOR_OPT_FAST_PLAN);
    if (!plan || SPI_execute_plan(plan, nullptr, nullptr, true, 0) != SPI_OK_SELECT)
        elog(ERROR, "a query of the catalogs failed");
    result.rows = static_cast<int>(SPI_processed);
    result.columns = SPI_tuptable->tupdesc->natts;
    result.values = static_cast<char**>(
        MemoryContextAllocHuge(context, sizeof(char*) * (static_cast<Size>(result.rows) * result.columns + 1)));
    for (int row = 0; row < result.rows; ++row) {
        for (int column = 0; column < result.columns; ++column) {
            const char* text = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1);
            result.values[static_cast<Size>(row) * result.columns + column] =
                text ? MemoryContextStrdup(context, text) : nullptr;
        }
    }
    SPI_finish();
    PopActiveSnapshot();
    AtEOXact_GUC(true, settings_level);
    return result;
}

}  // namespace

std::vector<Row> query_catalogs(const char* sql) {
    MemoryContext const context = pg::guarded(
        [] { return AllocSetContextCreate(CurrentMemoryContext, "pgrest catalog query", ALLOCSET_DEFAULT_SIZES); });
    const std::string converted = pg::to_server(sql);
    const char* const text = converted.c_str();
    const Rows rows = pg::guarded([=] { return run(text, context); });
    std::vector<Row> result;
    result.reserve(rows.rows);
    for (int row = 0; row < rows.rows; ++row) {
        Row values;
        values.reserve(rows.columns);
        for (int column = 0; column < rows.columns; ++column) {
            const char* value = rows.values[static_cast<Size>(row) * rows.columns + column];
            values.push_back(value ? std::optional(pg::name_from_server(value)) : std::nullopt);
        }
        result.push_back(std::move(values));
    }
    MemoryContextDelete(context);
    return result;
}

std::vector<std::string> array_elements(const std::string& text) {
    std::vector<std::string> elements;
    if (text.size() < 2) return elements;
    std::string element;
    bool quoted = false;
    bool any = false;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quoted) {
            element += text[++i];
        } else if (c == '"') {
            quoted = !quoted;
            any = true;
        } else if (c == ',' && !quoted) {
            elements.push_back(std::move(element));
            element.clear();
        } else {
            element += c;
            any = true;
        }
    }
    if (any) elements.push_back(std::move(element));
    return elements;
}

}  // namespace pgrest::catalog

#include "pool/schema_check.h"

#include <optional>
#include <string>

#include "http/error.h"
#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include <catalog/namespace.h>
#include <utils/inval.h>
#include <utils/syscache.h>
}

namespace pgrest::pool {

namespace {

struct Checked {
    bool registered = false;
    bool good = false;
    std::uint64_t generation = 0;
    std::string complained_of;
} checked;

void forget(Datum, int, uint32) {
    checked.good = false;
}

// Nothing for what the encoding cannot hold, or not as a name.
std::optional<std::string> name_in_database(const std::string& schema) {
    try {
        return pg::name_to_server(schema);
    } catch (const pg::Error& error) {
        if (error.error().sqlstate != "22P05") throw;
        return {};
    }
}

bool exists(const std::string& schema) {
    const std::optional<std::string> name = name_in_database(schema);
    if (!name) return false;
    const char* const text = name->c_str();
    return pg::guarded([=] { return OidIsValid(get_namespace_oid(text, /* missing_ok */ true)); });
}

std::optional<std::string> first_missing(const config::Config& config) {
    std::optional<std::string> missing;
    for (const std::string& schema : config.schemas) {
        if (!missing && !exists(schema)) missing = schema;
    }
    return missing;
}

// Once for each finding, not for each request.
void complain(const std::string& schema) {
    if (checked.complained_of == schema) return;
    checked.complained_of = schema;
    const std::string shown = pg::shown_to_server(schema);
    const char* name = shown.c_str();
    pg::guarded([=] {
        ereport(LOG, (errmsg("pgrest answers 503: the schema \"%s\" of pgrest.db_schemas does not exist", name)));
    });
}

}  // namespace

void require_schemas(const config::Config& config) {
    if (checked.good && checked.generation == config.generation) return;
    if (!checked.registered) {
        pg::guarded([] { CacheRegisterSyscacheCallback(NAMESPACEOID, forget, 0); });
        checked.registered = true;
    }
    // first, since a change may come in while we look
    checked.good = true;
    checked.generation = config.generation;
    std::optional<std::string> missing;
    try {
        missing = first_missing(config);
    } catch (...) {
        checked.good = false;
        throw;
    }
    if (!missing) {
        checked.complained_of.clear();
        return;
    }
    checked.good = false;
    complain(*missing);
    // its name is in the log; who asks may be anybody
    http::fail("PGRST002", "An exposed schema does not exist; the log of the server names it");
}

}  // namespace pgrest::pool

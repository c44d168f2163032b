#include "pool/authenticator_check.h"

#include "http/error.h"
#include "pg/guard.h"

extern "C" {
#include <access/htup_details.h>
#include <catalog/pg_authid.h>
#include <miscadmin.h>
#include <utils/inval.h>
#include <utils/syscache.h>
}

namespace pgrest::pool {

namespace {

struct Watched {
    std::string role;
    bool good = true;
    bool lost = false;
} watched;

void forget(Datum, int, uint32) {
    watched.good = false;
}

Fitness fitness_of(const char* role) {
    HeapTuple tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
    if (!HeapTupleIsValid(tuple)) return Fitness::Missing;
    const FormData_pg_authid row = *reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple));
    ReleaseSysCache(tuple);
    if (row.oid != GetSessionUserId()) return Fitness::Replaced;
    if (row.rolsuper) return Fitness::Superuser;
    return row.rolcanlogin ? Fitness::Fit : Fitness::NoLogin;
}

}  // namespace

std::string reason_of(Fitness fitness, const std::string& role) {
    const std::string named = "role \"" + role + "\" ";
    switch (fitness) {
        case Fitness::Fit:
            return {};
        case Fitness::Missing:
            return named + "does not exist";
        case Fitness::Replaced:
            return named + "was made anew";
        case Fitness::Superuser:
            return named + "is a superuser, which pgrest.authenticator must not be";
        case Fitness::NoLogin:
            return named + "is not permitted to log in (ALTER ROLE ... LOGIN lets it)";
    }
    return {};
}

void watch_authenticator(const char* role) {
    watched.role = role;
    pg::guarded([] { CacheRegisterSyscacheCallback(AUTHOID, forget, 0); });
}

void require_authenticator() {
    if (watched.good) return;
    watched.good = true;  // first, since a change may come in while we look
    const char* role = watched.role.c_str();
    Fitness fitness = Fitness::Fit;
    try {
        fitness = pg::guarded([=] { return fitness_of(role); });
    } catch (...) {
        watched.good = false;
        throw;
    }
    if (fitness == Fitness::Fit) return;
    watched.lost = true;
    http::fail("PGRST000", "No executor is connected to the database", reason_of(fitness, watched.role));
}

bool has_lost_authenticator() {
    return watched.lost;
}

}  // namespace pgrest::pool

#include "functions/superuser.h"

#include "pg/error.h"
#include "pg/guard.h"

extern "C" {
#include "miscadmin.h"
}

namespace pgrest::functions {

void require_superuser(const std::string& name) {
    if (pg::guarded([] { return superuser(); })) return;
    http::DatabaseError error;
    error.sqlstate = "42501";
    error.message = "must be superuser to call pgrest." + name + "()";
    throw pg::Error(std::move(error));
}

}  // namespace pgrest::functions

// ALTER ROLE ... SET of the role that a request runs as (auth: settings of roles). A change is seen by the next
// request: what was read is remembered only as long as no transaction ends. May ereport; C in its use of memory.
#pragma once

#include "exec/transaction.h"
#include "pg/postgres.h"

namespace pgrest::exec {

struct RoleSettings {
    int count = 0;
    const char** names = nullptr;
    const char** values = nullptr;
    int isolation = -1;  // an Isolation, or -1 when the role has none of its own
};

// Of a role that is granted to `authenticator` directly; others have none here. Only parameters that the current user
// may set. To be read under the authenticator's rights, before the role is switched, and used before the next reading.
// own_transaction: the current transaction belongs to the request alone and has changed nothing yet.
RoleSettings read_role_settings(const char* role, Oid authenticator, bool own_transaction);

}  // namespace pgrest::exec

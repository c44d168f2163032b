#include "exec/role_lock.h"

#include "pg/postgres.h"

extern "C" {
#include "access/xact.h"
}

namespace pgrest::exec {

namespace {

bool locked = false;
bool registered = false;

void at_transaction_event(XactEvent event, void*) {
    switch (event) {
        case XACT_EVENT_PRE_COMMIT:
        case XACT_EVENT_PRE_PREPARE:
            unlock_role();
            break;
        case XACT_EVENT_ABORT:
            locked = false;  // PostgreSQL has put the security context back itself
            break;
        default:
            break;
    }
}

}  // namespace

void lock_role() {
    if (!registered) {
        RegisterXactCallback(at_transaction_event, nullptr);
        registered = true;
    }
    Oid user = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&user, &context);
    SetUserIdAndSecContext(user, context | SECURITY_LOCAL_USERID_CHANGE);
    locked = true;
}

void unlock_role() {
    if (!locked) return;
    Oid user = InvalidOid;
    int context = 0;
    GetUserIdAndSecContext(&user, &context);
    SetUserIdAndSecContext(user, context & ~SECURITY_LOCAL_USERID_CHANGE);
    locked = false;
}

http::DatabaseError explained_by_lock(http::DatabaseError error) {
    if (error.message_id != "cannot set parameter \"%s\" within security-definer function") return error;
    error.message = "The role is locked for the request (pgrest.lock_role)";
    error.detail.reset();
    error.hint =
        "Only the pre-request function may change the role. With pgrest.lock_role = off other SQL of a request "
        "may, outside of SECURITY DEFINER functions.";
    return error;
}

bool role_is_locked() {
    return locked;
}

void role_lock_is_back(bool was_locked) {
    locked = was_locked;
}

}  // namespace pgrest::exec

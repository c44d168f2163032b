// The role of a request is locked: SQL that it runs can neither SET ROLE nor RESET ROLE (42501). C code.
#pragma once

#include "http/error.h"

namespace pgrest::exec {

// SECURITY_LOCAL_USERID_CHANGE (miscadmin.h) goes into the security context, and out again when the transaction is
// about to end (XACT_EVENT_PRE_COMMIT): after deferred triggers have run, before PostgreSQL puts the role back.
void lock_role();
void unlock_role();

// For a request inside of another one's transaction (pgrest.request()), which unlocks at its end: the outer request
// stays locked. Said after the security context, to which the lock belongs, has been put back.
bool role_is_locked();

// PostgreSQL's refusal speaks of security-definer functions; what is meant is the lock.
http::DatabaseError explained_by_lock(http::DatabaseError error);
void role_lock_is_back(bool was_locked);

}  // namespace pgrest::exec

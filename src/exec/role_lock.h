// The role of a request is locked: SQL that it runs can neither SET ROLE nor RESET ROLE (42501). C code.
#pragma once

namespace pgrest::exec {

// SECURITY_LOCAL_USERID_CHANGE (miscadmin.h) goes into the security context, and out again when the transaction is
// about to end (XACT_EVENT_PRE_COMMIT): after deferred triggers have run, before PostgreSQL puts the role back.
void lock_role();
void unlock_role();

}  // namespace pgrest::exec

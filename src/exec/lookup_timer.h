// The timeouts of the request's role while names are looked up, from the beginning of its transaction until its first
// statement has a timer of its own.
#pragma once

#include <string>

#include "exec/statement_timer.h"

namespace pgrest::exec {

class LookupTimer {
public:
    // Brings the role's statement_timeout and lock_timeout into force for the transaction, which belongs to the
    // request, and counts. apply_role_settings: false for the session's own timeouts. Throws pg::Error.
    void start(const std::string& role, bool apply_role_settings);
    void stop() noexcept { timer_.stop(); }

private:
    StatementTimer timer_;
};

}  // namespace pgrest::exec

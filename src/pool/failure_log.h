// Errors with a status of 500 and above in PostgreSQL's log: they are the server's fault and not the client's, and
// PostgreSQL itself does not log them, since the guard has caught them.
#pragma once

#include <string>

#include "http/error.h"
#include "http/message.h"

namespace pgrest::pool {

// The number of a SQLSTATE; that of an internal error for a text that is none.
int sqlstate_of(const std::string& code);

// One line of level LOG under the error's SQLSTATE, without statement; nothing for a lower status.
void log_failure(const http::Request& request, const http::Error& error);

}  // namespace pgrest::pool

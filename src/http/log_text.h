// What the server log says of a request that failed through the server's own fault. One line, without the query string
// and without any header of the request, since both may hold what no log should. Pure C++.
#pragma once

#include <string>

#include "http/error.h"
#include "http/message.h"

namespace pgrest::http {

// Statuses from here on are logged.
inline constexpr int first_logged_status = 500;

// "GET /items": bytes of the path that are no printable ASCII are percent-encoded, a long path is cut.
std::string request_line(const Request& request);

// "GET /items answered with 500: {"code":...}". The error is shown whole, whatever client_error_verbosity says.
// Without a method: a connection that was refused before its request was read.
std::string log_text(const Request& request, const Error& error);

}  // namespace pgrest::http

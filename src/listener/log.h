// What a listener says in PostgreSQL's log.
#pragma once

#include <string>

#include "http/error.h"
#include "http/message.h"

namespace pgrest::listener {

void log_line(const std::string& text);

// An error of 500 and above that was found here and not in an executor. Such errors come in crowds, when no executor is
// connected for one: of each code the first at once, then at most one line in five seconds.
void log_failure(const http::Request& request, const http::Error& error);

}  // namespace pgrest::listener

// What a listener says in PostgreSQL's log.
#pragma once

#include <string>

namespace pgrest::listener {

void log_line(const std::string& text);

// A request has waited in vain for an executor: the first at once, then at most one line in five seconds.
void log_pool_timeout();

}  // namespace pgrest::listener

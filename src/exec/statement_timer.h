// statement_timeout and the statement log for statements that come from no client message: PostgreSQL arms the timer
// and logs in its own main loop only (postgres.c). C code; may ereport.
#pragma once

namespace pgrest::exec {

// Arms statement_timeout with the value in force, unless a timer of the surrounding statement runs already.
void start_statement_timer();
void stop_statement_timer() noexcept;

// log_statement; log_duration and log_min_duration_statement.
void log_statement_start(const char* sql);
void log_statement_end(const char* sql);

}  // namespace pgrest::exec

// statement_timeout and the statement log for statements that come from no client message: PostgreSQL arms the timer
// and logs in its own main loop only (postgres.c). C code; may ereport.
#pragma once

namespace pgrest::exec {

// statement_timeout for one statement. A timer of the surrounding statement that runs already is left alone.
class StatementTimer {
public:
    StatementTimer() = default;
    ~StatementTimer() { stop(); }
    StatementTimer(const StatementTimer&) = delete;
    StatementTimer& operator=(const StatementTimer&) = delete;

    void start();  // arms it with the value in force; may ereport
    void stop() noexcept;

private:
    bool armed_ = false;
};

// Whether the last timer that was stopped had run out: the statement took longer than its own timeout, as opposed to
// being cancelled from elsewhere or by the surrounding statement's timeout.
bool statement_timer_ran_out() noexcept;

// log_statement; log_duration and log_min_duration_statement.
void log_statement_start(const char* sql);
void log_statement_end(const char* sql);

}  // namespace pgrest::exec

#include "exec/statement_timer.h"

#include "pg/postgres.h"

extern "C" {
#include "access/xact.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
}

namespace pgrest::exec {

namespace {

bool ran_out = false;
bool logged = false;

}  // namespace

void StatementTimer::start() {
    ran_out = false;
    if (StatementTimeout <= 0 || get_timeout_active(STATEMENT_TIMEOUT)) return;
    enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
    armed_ = true;
}

void StatementTimer::stop() noexcept {
    if (!armed_) return;
    ran_out = !get_timeout_active(STATEMENT_TIMEOUT);  // one that has fired is active no more
    disable_timeout(STATEMENT_TIMEOUT, false);
    armed_ = false;
}

bool statement_timer_ran_out() noexcept {
    return ran_out;
}

void log_statement_start(const char* sql) {
    logged = log_statement == LOGSTMT_ALL || (log_statement == LOGSTMT_MOD && !XactReadOnly);
    if (logged) ereport(LOG, (errmsg("statement: %s", sql), errhidestmt(true)));
}

void log_statement_end(const char* sql) {
    char milliseconds[32];
    switch (check_log_duration(milliseconds, logged)) {
        case 1:
            ereport(LOG, (errmsg("duration: %s ms", milliseconds), errhidestmt(true)));
            break;
        case 2:
            ereport(LOG, (errmsg("duration: %s ms  statement: %s", milliseconds, sql), errhidestmt(true)));
            break;
        default:
            break;
    }
}

}  // namespace pgrest::exec

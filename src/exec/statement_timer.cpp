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

bool armed = false;
bool logged = false;

}  // namespace

void start_statement_timer() {
    armed = false;
    if (StatementTimeout <= 0 || get_timeout_active(STATEMENT_TIMEOUT)) return;
    enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
    armed = true;
}

void stop_statement_timer() noexcept {
    if (!armed) return;
    disable_timeout(STATEMENT_TIMEOUT, false);
    armed = false;
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

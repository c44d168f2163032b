#include "pool/failure_log.h"

#include <algorithm>
#include <string>

#include "http/log_text.h"
#include "pg/guard.h"
#include "pg/text.h"

namespace pgrest::pool {

// The server's own codes are no SQLSTATEs, nor is every code that SQL can raise with SQLSTATE 'PGRST'.
int sqlstate_of(const std::string& code) {
    const bool fits = code.size() == 5 && std::all_of(code.begin(), code.end(), [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                      });
    return fits ? MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4]) : ERRCODE_INTERNAL_ERROR;
}

void log_failure(const http::Request& request, const http::Error& error) {
    if (error.status < http::first_logged_status) return;
    const std::string line = pg::shown_to_server(http::log_text(request, error));
    const char* text = line.c_str();
    const int sqlstate = sqlstate_of(error.code);
    pg::guarded([=] {
        ereport(LOG, (errcode(sqlstate), errmsg("pgrest: %s", text), errhidestmt(true), errhidecontext(true)));
    });
}

}  // namespace pgrest::pool

#include "listener/log.h"

#include <cstdint>
#include <map>

#include "http/log_text.h"
#include "listener/server.h"
#include "pg/guard.h"
#include "pool/failure_log.h"

namespace pgrest::listener {

namespace {

constexpr std::int64_t pause = 5000;  // milliseconds

// Errors that have their cause in the server and not in the request.
bool comes_in_crowds(const std::string& code) {
    for (const char* known : {"PGRST000", "PGRST002", "PGRST003", "PGRST503", "53200", "57P01"})
        if (code == known) return true;
    return false;
}

// False when it comes in crowds and has been logged lately.
bool is_due(const std::string& code) {
    if (!comes_in_crowds(code)) return true;
    static std::map<std::string, std::int64_t> next;
    const std::int64_t now = now_milliseconds();
    std::int64_t& due = next[code];
    if (now < due) return false;
    due = now + pause;
    return true;
}

}  // namespace

void log_line(const std::string& text) {
    const char* line = text.c_str();
    pg::guarded([=] { ereport(LOG, (errmsg("%s", line))); });
}

void log_failure(const http::Request& request, const http::Error& error) {
    if (error.status >= http::first_logged_status && is_due(error.code)) pool::log_failure(request, error);
}

}  // namespace pgrest::listener

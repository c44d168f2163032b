#include "exec/lookup_timer.h"

#include "exec/role_settings.h"
#include "exec/settings_guc.h"
#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "miscadmin.h"
#include "port.h"
}

namespace pgrest::exec {

namespace {

bool is_timeout(const char* name) {
    return pg_strcasecmp(name, "statement_timeout") == 0 || pg_strcasecmp(name, "lock_timeout") == 0;
}

void set_timeouts_of(const char* role) {
    const RoleSettings settings = read_role_settings(role, GetSessionUserId(), true);
    for (int i = 0; i < settings.count; ++i)
        if (is_timeout(settings.names[i])) set_local(settings.names[i], settings.values[i], false);
}

}  // namespace

void LookupTimer::start(const std::string& role, bool apply_role_settings) {
    const pg::ServerText name(role);
    const char* const role_name = apply_role_settings ? name.c_str() : nullptr;
    StatementTimer* const timer = &timer_;
    pg::guarded([=] {
        if (role_name) set_timeouts_of(role_name);
        timer->start();
    });
}

}  // namespace pgrest::exec

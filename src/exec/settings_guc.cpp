#include "exec/settings_guc.h"

#include <algorithm>

#include "pg/postgres.h"

extern "C" {
#include "catalog/pg_parameter_acl.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
}

namespace pgrest::exec {

namespace {

#if PG_VERSION_NUM >= 160000
const config_generic* find_setting(const char* name) {
    return find_option(name, false, true, 0);
}
#else
// The order of PostgreSQL's table (guc.c, guc_name_compare).
int compare_names(const char* a, const char* b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    for (; *a != '\0' && *b != '\0'; ++a, ++b)
        if (lower(*a) != lower(*b)) return lower(*a) - lower(*b);
    return (*a != '\0') - (*b != '\0');
}

const config_generic* find_setting(const char* name) {
    config_generic** const all = get_guc_variables();
    config_generic** const end = all + GetNumConfigOptions();
    config_generic** const found = std::lower_bound(
        all, end, name,
        [](const config_generic* setting, const char* wanted) { return compare_names(setting->name, wanted) < 0; });
    return found != end && compare_names((*found)->name, name) == 0 ? *found : nullptr;
}
#endif

}  // namespace

void set_local(const char* name, const char* value, bool saved) {
    set_config_option(name, value, superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION,
                      saved ? GUC_ACTION_SAVE : GUC_ACTION_LOCAL, true, 0, false);
}

bool try_set_local(const char* name, const char* value, bool saved, int level) {
    MemoryContext const context = CurrentMemoryContext;
    volatile bool taken = false;
    PG_TRY();
    {
        taken = set_config_option(name, value, superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION,
                                  saved ? GUC_ACTION_SAVE : GUC_ACTION_LOCAL, true, level, false) > 0;
    }
    PG_CATCH();
    {
        // A few hooks raise an error instead of refusing the value (temp_tablespaces with one that is gone). They only
        // look things up, so there is nothing to roll back.
        const int state = geterrcode();
        if (state == ERRCODE_QUERY_CANCELED || state == ERRCODE_OUT_OF_MEMORY) PG_RE_THROW();
        MemoryContextSwitchTo(context);
        ErrorData* const error = CopyErrorData();
        FlushErrorState();
        ereport(level, (errcode(error->sqlerrcode), errmsg("%s", error->message)));
        FreeErrorData(error);
    }
    PG_END_TRY();
    return taken;
}

bool can_be_set(const char* name, const char* value) {
    return set_config_option(name, value, superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
                             /* change */ false, DEBUG5, false) != 0;
}

const char* value_of_setting(const char* name) {
    const char* value = GetConfigOption(name, true, false);
    return value ? value : "";
}

bool may_set(const char* name) {
    const config_generic* setting = find_setting(name);
    if (!setting || (setting->flags & (GUC_CUSTOM_PLACEHOLDER | GUC_NO_SHOW_ALL)) != 0) return false;
    if (setting->context == PGC_USERSET) return true;
#if PG_VERSION_NUM >= 150000
    return setting->context == PGC_SUSET && pg_parameter_aclcheck(name, GetUserId(), ACL_SET) == ACLCHECK_OK;
#else
    return false;
#endif
}

}  // namespace pgrest::exec

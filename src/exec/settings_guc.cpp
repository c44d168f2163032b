#include "exec/settings_guc.h"

#include <cstring>

#include "pg/postgres.h"

extern "C" {
#include "catalog/pg_parameter_acl.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
}

namespace pgrest::exec {

namespace {

const config_generic* find_setting(const char* name) {
#if PG_VERSION_NUM >= 160000
    return find_option(name, false, true, 0);
#else
    config_generic** const all = get_guc_variables();
    for (int i = 0; i < GetNumConfigOptions(); ++i)
        if (pg_strcasecmp(all[i]->name, name) == 0) return all[i];
    return nullptr;
#endif
}

}  // namespace

void set_local(const char* name, const char* value, bool saved) {
    set_config_option(name, value, superuser() ? PGC_SUSET : PGC_USERSET, PGC_S_SESSION,
                      saved ? GUC_ACTION_SAVE : GUC_ACTION_LOCAL, true, 0, false);
}

const char* value_of_setting(const char* name) {
    const char* value = GetConfigOption(name, true, false);
    return value ? value : "";
}

bool may_set(const char* name) {
    const config_generic* setting = find_setting(name);
    if (!setting || (setting->flags & GUC_CUSTOM_PLACEHOLDER) != 0) return false;
    if (setting->context == PGC_USERSET) return true;
#if PG_VERSION_NUM >= 150000
    return setting->context == PGC_SUSET && pg_parameter_aclcheck(name, GetUserId(), ACL_SET) == ACLCHECK_OK;
#else
    return false;
#endif
}

}  // namespace pgrest::exec

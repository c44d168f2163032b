#include "exec/named_function.h"

#include "http/error.h"
#include "pg/guard.h"
#include "pg/text.h"
#include "sql/text.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "utils/catcache.h"
#include "utils/syscache.h"
}

namespace pgrest::exec {

namespace {

bool can_be_called_bare(Form_pg_proc function, Oid schema) {
    return function->pronamespace == schema && function->prokind == PROKIND_FUNCTION &&
           function->pronargs <= function->pronargdefaults;
}

bool has_function(const char* schema, const char* name) {
    const Oid schema_id = get_namespace_oid(schema, true);
    if (!OidIsValid(schema_id)) return false;
    CatCList* const named = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
    bool found = false;
    for (int i = 0; i < named->n_members && !found; ++i)
        found = can_be_called_bare(reinterpret_cast<Form_pg_proc>(GETSTRUCT(&named->members[i]->tuple)), schema_id);
    ReleaseSysCacheList(named);
    return found;
}

[[noreturn]] void fail_missing(const std::string& name) {
    http::DatabaseError missing;
    missing.sqlstate = "42883";
    missing.message = "function " + name + "() does not exist";
    missing.hint = "No function matches the given name and argument types. You might need to add explicit type casts.";
    throw http::Failure(http::from_database(missing, true));
}

std::string schema_of(const std::string& name, const config::Config& config) {
    std::vector<std::string> schemas = config.schemas;
    schemas.insert(schemas.end(), config.extra_search_path.begin(), config.extra_search_path.end());
    schemas.emplace_back("pg_catalog");
    const auto function = pg::name_to_server(name);
    for (const std::string& schema : schemas) {
        const auto schema_name = pg::name_to_server(schema);
        if (!function || !schema_name) continue;
        const char* const function_text = function->c_str();
        const char* const schema_text = schema_name->c_str();
        if (pg::guarded([=] { return has_function(schema_text, function_text); })) return schema;
    }
    fail_missing(name);
}

}  // namespace

std::string qualified_function(const std::string& setting, const config::Config& config) {
    const std::size_t dot = setting.find('.');
    const bool bare = dot == std::string::npos;
    const std::string name = bare ? setting : setting.substr(dot + 1);
    const std::string schema = bare ? schema_of(name, config) : setting.substr(0, dot);
    return sql::quoted(schema) + "." + sql::quoted(name);
}

}  // namespace pgrest::exec

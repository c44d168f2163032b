// pgrest.check_settings(): what pgrest.check() cannot learn by SQL. Tells of the secret where it is kept, how long it
// is and who may read its file, never what it is.
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "auth/key_set.h"
#include "functions/arguments.h"
#include "functions/superuser.h"
#include "http/error.h"
#include "pg/guard.h"
#include "pg/text.h"
#include "pool/database_settings.h"
#include "pool/pool.h"
#include "settings/secret_file.h"
#include "settings/settings.h"

extern "C" {
PG_FUNCTION_INFO_V1(pgrest_check_settings);
}

namespace pgrest::functions {

namespace {

using Column = std::optional<std::string>;

// What users of the machine other than the file's owner and group may do.
struct Access {
    bool read = false;
    bool change = false;
};

// Whether others may enter a directory and all above it.
bool others_may_enter(std::filesystem::path directory) {
    for (;;) {
        struct stat facts {};
        if (stat(directory.c_str(), &facts) != 0 || !(facts.st_mode & S_IXOTH)) return false;
        if (directory == directory.root_path()) return true;
        directory = directory.parent_path();
    }
}

Access access_of_others(const std::string& name) {
    std::error_code failed;
    const std::filesystem::path path = std::filesystem::canonical(name, failed);
    struct stat file {};
    struct stat directory {};
    if (failed || stat(path.c_str(), &file) != 0 || stat(path.parent_path().c_str(), &directory) != 0) return {};
    if (!others_may_enter(path.parent_path())) return {};
    const bool replace = (directory.st_mode & S_IWOTH) && !(directory.st_mode & S_ISVTX);
    return {(file.st_mode & S_IROTH) != 0, (file.st_mode & S_IWOTH) != 0 || replace};
}

// The text of jwt_secret, and where it was set. One in the database goes over the server parameter.
struct Secret {
    config::Settings settings;
    const char* place;
};

Secret find_secret(const config::Config& config) {
    Secret found{settings::collect(), "configuration"};
    if (!config.db_config || !pool::available()) return found;
    const auto answer = pool::database_answer();
    if (!answer || answer->problem || !answer->settings.contains("jwt_secret")) return found;
    return {answer->settings, "database"};
}

std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ",") + name;
    return text;
}

Column flag(bool value) {
    return value ? "true" : "false";
}

Column unless_empty(const std::string& text) {
    return text.empty() ? Column() : Column(text);
}

// In the order of the function's OUT parameters.
struct Row {
    Column problem, database, authenticator, schemas, extra_search_path, anon_role, pre_request, lock_role;
    Column secret_place, secret_bytes, secret_file, secret_readable, secret_changeable;
};

void describe_secret(const config::Config& config, Row& row) {
    if (!config.keys) return;
    if (const auto bytes = config.keys->shortest_secret()) row.secret_bytes = std::to_string(*bytes);
    const Secret secret = find_secret(config);
    row.secret_file = settings::secret_file(secret.settings);
    row.secret_place = row.secret_file ? "file" : secret.place;
    if (!row.secret_file) return;
    const Access others = access_of_others(*row.secret_file);
    row.secret_readable = flag(others.read);
    row.secret_changeable = flag(others.change);
}

void describe_config(Row& row) {
    try {
        const auto config = settings::of_this_backend();
        row.schemas = join(config->schemas);
        row.extra_search_path = join(config->extra_search_path);
        row.anon_role = unless_empty(config->anon_role);
        row.pre_request = unless_empty(config->pre_request);
        row.lock_role = flag(config->lock_role);
        describe_secret(*config, row);
    } catch (const http::Failure& failure) {
        row.problem = failure.error().message;
    }
}

Datum check_settings(FunctionCallInfo fcinfo) {
    require_superuser("check_settings");
    Row row;
    // as they are in the catalogs, and not converted
    row.database = pg::shown_from_server(settings::database());
    row.authenticator = pg::shown_from_server(settings::authenticator());
    describe_config(row);
    if (!pool::available() && !row.problem) row.problem = "pgrest is not in shared_preload_libraries";
    return record_of_texts(fcinfo, {row.problem, row.database, row.authenticator, row.schemas, row.extra_search_path,
                                    row.anon_role, row.pre_request, row.lock_role, row.secret_place, row.secret_bytes,
                                    row.secret_file, row.secret_readable, row.secret_changeable});
}

}  // namespace

}  // namespace pgrest::functions

extern "C" PGDLLEXPORT Datum pgrest_check_settings(PG_FUNCTION_ARGS) {
    return pgrest::pg::translate_exceptions([&] { return pgrest::functions::check_settings(fcinfo); });
}

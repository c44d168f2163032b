#include "pool/database_settings.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "exec/named_function.h"
#include "http/wire.h"
#include "ipc/jobs.h"
#include "ipc/processes.h"
#include "ipc/question.h"
#include "ipc/shared.h"
#include "pg/guard.h"
#include "pg/text.h"
#include "settings/settings.h"

extern "C" {
#include <access/xact.h>
#include <executor/spi.h>
#include <miscadmin.h>
#include <storage/proc.h>
#include <utils/guc.h>
#include <utils/snapmgr.h>
#include <utils/timeout.h>
}

namespace pgrest::pool {

using namespace ipc;

namespace {

// What may be set in the database. Others, sockets for one, are ignored.
constexpr const char* allowed[] = {"db_aggregates_enabled",
                                   "client_error_verbosity",
                                   "db_anon_role",
                                   "db_pre_config",
                                   "db_extra_search_path",
                                   "db_max_rows",
                                   "db_plan_enabled",
                                   "db_pre_request",
                                   "db_root_spec",
                                   "db_schemas",
                                   "db_tx_end",
                                   "db_hoisted_tx_settings",
                                   "jwt_aud",
                                   "jwt_role_claim_key",
                                   "jwt_secret",
                                   "jwt_secret_is_base64",
                                   "jwt_cache_max_entries",
                                   "openapi_mode",
                                   "openapi_security_active",
                                   "openapi_server_proxy_uri",
                                   "server_cors_allowed_origins",
                                   "server_trace_header",
                                   "require_filter",
                                   "url_use_legacy_target_names"};

constexpr std::string_view prefix = "pgrst.";

// How long the reading may take; less than the launcher's patience, which then asks the next executor.
constexpr int longest_reading = 25000;

std::uint64_t answering = 0;  // the question that this process is at, 0 = none

bool is_allowed(std::string_view name) {
    return std::find(std::begin(allowed), std::end(allowed), name) != std::end(allowed);
}

// ---------------------------------------------------------------- texts in shared memory
void copy_text(char* to, std::size_t size, std::string_view from) {
    const std::size_t length = std::min(size - 1, from.size());
    std::memcpy(to, from.data(), length);
    to[length] = '\0';
}

void deliver(std::uint64_t question, const config::Settings& settings, std::string problem) {
    DatabaseSettings& area = shared()->database_settings;
    const std::string bytes = http::wire::encode_settings(settings);
    if (bytes.size() > sizeof area.bytes) problem = "the settings in the database are too long";
    {
        const Locked locked(shared()->snapshot_lock);
        if (question != area.wanted) return;  // another one has been asked meanwhile, whose answer must not be lost
        copy_text(area.problem, sizeof area.problem, problem);
        area.size = problem.empty() ? bytes.size() : 0;
        std::memcpy(area.bytes, bytes.data(), area.size);
        area.delivered = question;
    }
    wake_launcher();
}

// ---------------------------------------------------------------- reading, in a read-only transaction
class Transaction {
public:
    Transaction() {
        pg::guarded([] {
            StartTransactionCommand();
            XactReadOnly = true;
            PushActiveSnapshot(GetTransactionSnapshot());
            SPI_connect();
        });
    }
    void commit() {
        open_ = false;
        pg::guarded([] {
            SPI_finish();
            PopActiveSnapshot();
            CommitTransactionCommand();
        });
    }
    ~Transaction() {
        if (!open_) return;
        try {
            pg::guarded([] { AbortCurrentTransaction(); });
        } catch (const std::exception&) {
            // the next transaction's start fails and ends the process
        }
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

private:
    bool open_ = true;
};

// "name=value" texts of the authenticator; what it has for this database comes last and so goes over the rest.
std::vector<std::string> settings_of_role() {
    const uint64 rows = pg::guarded([] {
        // operators are looked up by this path, and the session has one of its own
        const int settings_level = NewGUCNestLevel();
        set_config_option("search_path", "pg_catalog", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
        SPI_execute(
            "SELECT e FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) e"
            " WHERE s.setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)"
            " AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database"
            " WHERE datname = pg_catalog.current_database()))"
            " ORDER BY s.setdatabase",
            /* read_only */ true, 0);
        AtEOXact_GUC(true, settings_level);
        return SPI_processed;
    });
    std::vector<std::string> texts;
    for (uint64 i = 0; i < rows; ++i) {
        const char* text = pg::guarded([=] { return SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1); });
        if (text) texts.emplace_back(text);
    }
    return texts;
}

config::Settings read_role() {
    config::Settings settings;
    for (const std::string& text : settings_of_role()) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || !text.starts_with(prefix)) continue;
        const std::string name = text.substr(prefix.size(), equals - prefix.size());
        if (is_allowed(name)) settings[name] = pg::from_server(text.substr(equals + 1));
    }
    return settings;
}

// Without what the function itself will say: which schemas a bare name of it is looked for in.
config::Config config_before(config::Settings of_role) {
    of_role.merge(settings::collect());
    of_role.erase("jwt_secret");
    const config::Built built = config::build(of_role, 0);
    return built.config ? *built.config : config::Config();
}

void set_local(const std::string& name, const char* value) {
    const char* text = name.c_str();
    pg::guarded([=] { set_config_option(text, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false); });
}

// What the function sets: everything is empty before, and local to the transaction.
config::Settings read_function(const std::string& function, const config::Config& config) {
    for (const char* name : allowed)
        set_local(std::string(prefix) + name, "");
    const std::string call = pg::to_server("SELECT " + exec::qualified_function(function, config) + "()");
    const char* sql = call.c_str();
    pg::guarded([=] { SPI_execute(sql, /* read_only */ false, 0); });
    config::Settings settings;
    for (const char* name : allowed) {
        const std::string full = std::string(prefix) + name;
        const char* text = full.c_str();
        const char* value = pg::guarded([=] { return GetConfigOption(text, /* missing_ok */ true, false); });
        if (value && value[0] != '\0') settings[name] = pg::from_server(value);
    }
    return settings;
}

// A function without end would keep its executor, and whoever is asked next.
void limit_time() {
    const int limit = StatementTimeout > 0 ? std::min(StatementTimeout, longest_reading) : longest_reading;
    pg::guarded([=] {
        QueryCancelPending = false;
        QueryCancelHoldoffCount = 0;
        enable_timeout_after(STATEMENT_TIMEOUT, limit);
    });
}

config::Settings read_all(std::string function) {
    limit_time();
    Transaction transaction;
    config::Settings settings = read_role();
    if (const auto named = settings.find("db_pre_config"); named != settings.end()) function = named->second;
    if (!function.empty())
        settings.merge(read_function(function, config_before(settings)));  // what is there already stays
    transaction.commit();
    return settings;
}

void read_and_deliver(std::uint64_t question) {
    std::string function;
    {
        char text[sizeof(DatabaseSettings::function)];
        {
            const Locked locked(shared()->snapshot_lock, Access::Shared);
            std::memcpy(text, shared()->database_settings.function, sizeof text);
        }
        function = text;
    }
    try {
        deliver(question, read_all(function), "");
    } catch (const std::exception& exception) {
        deliver(question, {}, exception.what());
    }
}

}  // namespace

// ---------------------------------------------------------------- launcher
void ask_for_database_settings(const std::string& function) {
    Shared& all = *shared();
    {
        const Locked locked(all.snapshot_lock);
        copy_text(all.database_settings.function, sizeof all.database_settings.function, function);
        all.database_settings.wanted.fetch_add(1);
    }
    wake_for_question();
}

std::optional<DatabaseAnswer> database_answer() {
    const DatabaseSettings& area = shared()->database_settings;
    std::string bytes(database_settings_size, '\0');
    char problem[sizeof area.problem];
    {
        const Locked locked(shared()->snapshot_lock, Access::Shared);
        if (area.delivered != area.wanted) return {};
        std::memcpy(bytes.data(), area.bytes, area.size);
        bytes.resize(area.size);
        std::memcpy(problem, area.problem, sizeof problem);
    }
    DatabaseAnswer answer;
    if (problem[0] != '\0')
        answer.problem = problem;
    else
        answer.settings = http::wire::decode_settings(bytes);
    return answer;
}

std::uint64_t number_of_database_answer() {
    return shared() ? shared()->database_settings.delivered.load() : 0;
}

// ---------------------------------------------------------------- executor
bool answer_launcher_if_asked(int executor) {
    const std::uint64_t question = claim_question();
    if (question == 0) return false;
    answering = question;
    step_aside(executor);  // a function of the database can take its time
    try {
        read_and_deliver(question);
    } catch (const std::exception&) {
        // bad_alloc: the launcher will ask again
    }
    answering = 0;
    return true;
}

void give_back_question() {
    ipc::give_back_question(answering);
    answering = 0;
}

}  // namespace pgrest::pool

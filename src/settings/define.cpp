// Defines the server parameters and finds out which values of the start did not take effect.
#include <climits>
#include <cstring>
#include <optional>
#include <string>

#include "pg/guard.h"
#include "settings/hooks.h"
#include "settings/settings.h"
#include "settings/variables.h"

extern "C" {
#include <utils/guc_tables.h>
}

namespace pgrest::settings {

Variables variables;

namespace {

constexpr const char* prefix = "pgrest.";

std::vector<config::Problem> refused;

std::string full_name(const char* name) {
    return std::string(prefix) + name;
}

// ---------------------------------------------------------------- definitions
// PostgreSQL keeps the pointers to names and descriptions, so the names live as long as the process.
const char* lasting_name(const char* name) {
    return strdup(full_name(name).c_str());
}

void define_configuration_texts() {
    for (std::size_t i = 0; i < text_setting_count; ++i) {
        const TextSetting& setting = text_settings[i];
        const bool secret = std::strcmp(setting.name, "jwt_secret") == 0;
        const int flags = secret               ? GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE
                          : setting.newer_name ? GUC_NO_SHOW_ALL
                                               : 0;
        const TextHooks hooks = text_hooks(i);
        DefineCustomStringVariable(lasting_name(setting.name), setting.description, nullptr, &variables.text[i],
                                   secret ? hidden_secret : setting.default_text, PGC_SIGHUP, flags, hooks.check,
                                   hooks.assign, secret ? show_secret : nullptr);
    }
}

void define_configuration_others() {
    static const config_enum_entry cancel_choices[] = {
        {"off", static_cast<int>(CancelChoice::Off), false},
        {"reads", static_cast<int>(CancelChoice::Reads), false},
        {"all", static_cast<int>(CancelChoice::All), false},
        {nullptr, 0, false},
    };
    DefineCustomBoolVariable("pgrest.lock_role", "Refuses changes of the role by the SQL of a request.", nullptr,
                             &variables.lock_role, variables.lock_role, PGC_SIGHUP, 0, nullptr, note_change_of_bool,
                             nullptr);
    DefineCustomBoolVariable("pgrest.require_filter", "Refuses DELETE and PATCH without a filter.", nullptr,
                             &variables.require_filter, variables.require_filter, PGC_SIGHUP, 0, nullptr,
                             note_change_of_bool, nullptr);
    DefineCustomEnumVariable("pgrest.cancel_on_disconnect", "Which requests end when their client goes away.", nullptr,
                             &variables.cancel_on_disconnect, variables.cancel_on_disconnect, cancel_choices,
                             PGC_SIGHUP, 0, nullptr, note_change_of_int, nullptr);
    DefineCustomIntVariable("pgrest.max_body_size", "Largest body of a request; -1 for no limit.", nullptr,
                            &variables.max_body_size, variables.max_body_size, -1, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB,
                            nullptr, note_change_of_int, nullptr);
    DefineCustomIntVariable("pgrest.max_embeds", "Most embedded resources of a request.", nullptr,
                            &variables.max_embeds, variables.max_embeds, 0, 10000, PGC_SIGHUP, 0, nullptr,
                            note_change_of_int, nullptr);
    DefineCustomIntVariable("pgrest.max_filters", "Most filters of a request, those in logic trees included.", nullptr,
                            &variables.max_filters, variables.max_filters, 0, 10000, PGC_SIGHUP, 0, nullptr,
                            note_change_of_int, nullptr);
    DefineCustomIntVariable("pgrest.stream_threshold", "A larger answer to a plain read is sent while it is made.",
                            nullptr, &variables.stream_threshold, variables.stream_threshold, 0, INT_MAX, PGC_SIGHUP,
                            GUC_UNIT_KB, nullptr, note_change_of_int, nullptr);
}

void define_text(const char* name, const char* description, char** variable, const char* value, GucContext context,
                 GucStringCheckHook check = nullptr) {
    DefineCustomStringVariable(name, description, nullptr, variable, value, context, 0, check, nullptr, nullptr);
}

void define_number(const char* name, const char* description, int* variable, int lowest, int highest,
                   GucContext context, int flags = 0) {
    DefineCustomIntVariable(name, description, nullptr, variable, *variable, lowest, highest, context, flags, nullptr,
                            nullptr, nullptr);
}

void define_running() {
    define_text("pgrest.database", "Database that is served.", &variables.database, "postgres", PGC_SIGHUP);
    define_text("pgrest.authenticator", "Role as which the executors connect.", &variables.authenticator,
                "authenticator", PGC_SIGHUP);
    define_number("pgrest.db_pool_acquisition_timeout", "Longest wait of a request for an executor.",
                  &variables.acquisition_timeout, 1, INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S);
    define_number("pgrest.db_pool_max_lifetime", "Age at which an executor is replaced.", &variables.max_lifetime, 1,
                  INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S);
    define_number("pgrest.shutdown_timeout", "How long a listener that ends waits for its requests.",
                  &variables.shutdown_timeout, 0, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS);
    define_number("pgrest.header_timeout", "Longest time that a client may take to send the head of a request.",
                  &variables.header_timeout, 1, 3600, PGC_SIGHUP, GUC_UNIT_S);
    define_number("pgrest.keepalive_timeout", "How long a connection may be without a request.",
                  &variables.keepalive_timeout, 1, 24 * 3600, PGC_SIGHUP, GUC_UNIT_S);
    define_number("pgrest.body_timeout", "Time in which the next part of a request's body must come.",
                  &variables.body_timeout, 1, 3600, PGC_SIGHUP, GUC_UNIT_S);
    define_number("pgrest.send_timeout", "Time in which a client must take the next part of an answer.",
                  &variables.send_timeout, 1, 3600, PGC_SIGHUP, GUC_UNIT_S);
    define_number("pgrest.max_connections_per_address",
                  "Most connections of a listener from one address; 0 for no limit.",
                  &variables.max_connections_per_address, 0, 100000, PGC_SIGHUP);
    define_number("pgrest.executor_memory", "An executor that holds more memory is replaced.",
                  &variables.executor_memory, 16 * 1024, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB);
    DefineCustomIntVariable("pgrest.request_memory", "Most memory that one request takes in its executor; -1 for any.",
                            nullptr, &variables.request_memory, variables.request_memory, -1, INT_MAX, PGC_SIGHUP,
                            GUC_UNIT_KB, check_request_memory, nullptr, nullptr);
}

// What is fixed when the server starts.
void define_fixed() {
    define_number("pgrest.workers", "Number of executors, each a session of the database.", &variables.workers, 1, 1024,
                  PGC_POSTMASTER);
    define_number("pgrest.listeners", "Number of processes that speak HTTP.", &variables.listeners, 1, 64,
                  PGC_POSTMASTER);
    define_text("pgrest.server_host", "Address to listen on: !4, *, *4, *6, !6, a host name or an address.",
                &variables.server_host, "!4", PGC_POSTMASTER);
    define_number("pgrest.server_port", "Port to listen on; 0 takes a free one.", &variables.server_port, 0, 65535,
                  PGC_POSTMASTER);
    DefineCustomBoolVariable("pgrest.server_reuseport", "Lets other servers listen on the same port.", nullptr,
                             &variables.server_reuseport, variables.server_reuseport, PGC_POSTMASTER, 0, nullptr,
                             nullptr, nullptr);
    define_text("pgrest.server_unix_socket", "Path of a unix socket to listen on instead.",
                &variables.server_unix_socket, "", PGC_POSTMASTER, check_file_name);
    define_text("pgrest.server_unix_socket_mode", "File mode of the unix socket.", &variables.server_unix_socket_mode,
                "660", PGC_POSTMASTER, check_socket_mode);
    define_number("pgrest.max_connections", "Most connections of a listener.", &variables.max_connections, 1, 100000,
                  PGC_POSTMASTER);
    define_number("pgrest.queue_size", "Most requests that are with the executors or wait for one in shared memory.",
                  &variables.queue_size, 8, 65536, PGC_POSTMASTER);
    define_number("pgrest.body_memory", "Shared memory for bodies on their way.", &variables.body_memory, 1024,
                  INT_MAX / 2, PGC_POSTMASTER, GUC_UNIT_KB);
}

// ---------------------------------------------------------------- values of the start
// What the configuration file made of names that nobody had defined yet.
struct Placeholder {
    std::string name;
    std::string value;
};

std::vector<config_generic*> our_variables() {
#if PG_VERSION_NUM >= 160000
    int count = 0;
    config_generic** all = get_guc_variables(&count);
#else
    config_generic** all = get_guc_variables();
    const int count = GetNumConfigOptions();
#endif
    std::vector<config_generic*> ours;
    for (int i = 0; i < count; ++i) {
        if (pg_strncasecmp(all[i]->name, prefix, std::strlen(prefix)) == 0) ours.push_back(all[i]);
    }
    return ours;
}

std::vector<Placeholder> placeholders() {
    std::vector<Placeholder> found;
    for (const config_generic* variable : our_variables()) {
        if (!(variable->flags & GUC_CUSTOM_PLACEHOLDER)) continue;
        const char* value = *reinterpret_cast<const config_string*>(variable)->variable;
        found.push_back({variable->name, value ? value : ""});
    }
    return found;
}

const config_generic* variable_named(const std::string& name) {
    for (const config_generic* variable : our_variables()) {
        if (pg_strcasecmp(variable->name, name.c_str()) == 0) return variable;
    }
    return nullptr;
}

std::string refusal_of(const Placeholder& placeholder) {
    const std::string name = placeholder.name.substr(std::strlen(prefix));
    for (const TextSetting& setting : text_settings) {
        if (pg_strcasecmp(setting.name, name.c_str()) != 0) continue;
        if (const auto reason = config::refuse(configuration_name(setting), placeholder.value)) return *reason;
    }
    return "The value is not valid for this setting.";
}

void note_refused(const std::vector<Placeholder>& given) {
    for (const Placeholder& placeholder : given) {
        const config_generic* variable = variable_named(placeholder.name);
        if (!variable || variable->flags & GUC_CUSTOM_PLACEHOLDER)
            refused.push_back({placeholder.name, "There is no such setting."});
        else if (variable->source == PGC_S_DEFAULT)
            refused.push_back({placeholder.name, refusal_of(placeholder)});
    }
}

}  // namespace

void define() {
    const std::vector<Placeholder> given = placeholders();
    pg::guarded([] {
        define_configuration_texts();
        define_configuration_others();
        define_running();
        if (process_shared_preload_libraries_in_progress) define_fixed();
    });
    // a session of a server that does not preload the library cannot define the fixed ones: unknown names mean nothing
    if (!process_shared_preload_libraries_in_progress) return;
    note_refused(given);
    pg::guarded([] {
#if PG_VERSION_NUM >= 150000
        MarkGUCPrefixReserved("pgrest");
#else
        EmitWarningsOnPlaceholders("pgrest");
#endif
    });
}

const std::vector<config::Problem>& refused_at_start() {
    return refused;
}

}  // namespace pgrest::settings

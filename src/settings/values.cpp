// The values of this process: as text for the configuration, as numbers for the workers.
#include <cstring>

#include "http/error.h"
#include "pool/database_settings.h"
#include "pool/pool.h"
#include "settings/hooks.h"
#include "settings/secret_file.h"
#include "settings/settings.h"
#include "settings/variables.h"

namespace pgrest::settings {

namespace {

[[noreturn]] void cannot_serve(const config::Problem& problem) {
    http::fail("PGRST002", "The settings cannot be served: " + problem.setting + ": " + problem.reason);
}

std::string value_of(std::size_t index) {
    const bool secret = std::strcmp(text_settings[index].name, "jwt_secret") == 0;
    const char* text = secret ? variables.secret : variables.text[index];
    return text ? text : "";
}

bool is_given(const TextSetting& setting, const std::string& value) {
    if (value.empty() && !empty_means_none(setting.name)) return false;
    return value != setting.default_text;
}

void add_texts(config::Settings& settings) {
    // newer names come first in the table, and the first value stays
    for (std::size_t i = 0; i < text_setting_count; ++i) {
        std::string value = value_of(i);
        if (is_given(text_settings[i], value)) settings.try_emplace(configuration_name(text_settings[i]), value);
    }
}

const char* cancel_text() {
    switch (static_cast<CancelChoice>(variables.cancel_on_disconnect)) {
        case CancelChoice::Off:
            return "off";
        case CancelChoice::Reads:
            return "reads";
        case CancelChoice::All:
            return "all";
    }
    return "reads";
}

std::string bytes_of(int kilobytes) {
    return kilobytes < 0 ? "-1" : std::to_string(static_cast<long long>(kilobytes) * 1024);
}

std::shared_ptr<const config::Config> require_built(config::Settings settings) {
    if (const auto problem = read_secret_file(settings)) cannot_serve(*problem);
    const config::Built built = config::build(settings, variables.changes);
    if (built.config) return built.config;
    cannot_serve(built.problems.empty() ? config::Problem{"pgrest", "unknown reason"} : built.problems.front());
}

// With what the database adds, if it has been asked.
config::Settings settings_of_backend() {
    if (!refused_at_start().empty()) cannot_serve(refused_at_start().front());
    config::Settings settings = collect();
    if (!require_built(settings)->db_config || !pool::available()) return settings;
    const auto answer = pool::database_answer();
    if (!answer || answer->problem) return settings;
    for (const auto& [name, value] : answer->settings)
        settings[name] = value;
    return settings;
}

// What the configuration of this backend was made of.
struct Origin {
    unsigned long changes = 0;
    std::uint64_t database_answer = 0;
    std::string file;
    FileStamp stamp;
};

}  // namespace

config::Settings collect() {
    config::Settings settings;
    add_texts(settings);
    settings["lock_role"] = variables.lock_role ? "true" : "false";
    settings["require_filter"] = variables.require_filter ? "true" : "false";
    settings["cancel_on_disconnect"] = cancel_text();
    settings["max_body_size"] = bytes_of(variables.max_body_size);
    settings["max_embeds"] = std::to_string(variables.max_embeds);
    settings["max_filters"] = std::to_string(variables.max_filters);
    settings["stream_threshold"] = bytes_of(variables.stream_threshold);
    return settings;
}

std::shared_ptr<const config::Config> of_this_backend() {
    static std::shared_ptr<const config::Config> built;
    static Origin of;
    const std::uint64_t newest = pool::number_of_database_answer();
    if (built && of.changes == variables.changes && of.database_answer == newest &&
        (of.file.empty() || look_at(of.file) == of.stamp))
        return built;
    const config::Settings settings = settings_of_backend();
    Origin origin{variables.changes, newest, secret_file(settings).value_or(""), {}};
    if (!origin.file.empty()) origin.stamp = look_at(origin.file);
    built = require_built(settings);
    of = origin;
    return built;
}

std::string database() {
    return variables.database ? variables.database : "";
}
std::string authenticator() {
    return variables.authenticator ? variables.authenticator : "";
}

int Process::workers() {
    return variables.workers;
}
int Process::listeners() {
    return variables.listeners;
}
const char* Process::server_host() {
    return variables.server_host ? variables.server_host : "";
}
int Process::server_port() {
    return variables.server_port;
}
bool Process::server_reuseport() {
    return variables.server_reuseport;
}
const char* Process::server_unix_socket() {
    return variables.server_unix_socket ? variables.server_unix_socket : "";
}
int Process::server_unix_socket_mode() {
    return octal_mode(variables.server_unix_socket_mode);
}
int Process::acquisition_timeout() {
    return variables.acquisition_timeout * 1000;
}
int Process::max_lifetime() {
    return variables.max_lifetime;
}
int Process::shutdown_timeout() {
    return variables.shutdown_timeout;
}
int Process::max_connections() {
    return variables.max_connections;
}
int Process::header_timeout() {
    return variables.header_timeout * 1000;
}
int Process::keepalive_timeout() {
    return variables.keepalive_timeout * 1000;
}
int Process::body_timeout() {
    return variables.body_timeout * 1000;
}
int Process::send_timeout() {
    return variables.send_timeout * 1000;
}
int Process::max_connections_per_address() {
    return variables.max_connections_per_address;
}
int Process::body_memory_kb() {
    return variables.body_memory;
}
int Process::queue_size() {
    return variables.queue_size;
}
int Process::executor_memory_kb() {
    return variables.executor_memory;
}
int Process::request_memory_kb() {
    return variables.request_memory;
}

}  // namespace pgrest::settings

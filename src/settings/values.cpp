// The values of this process: as text for the configuration, as numbers for the workers.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "http/error.h"
#include "pool/database_settings.h"
#include "pool/pool.h"
#include "settings/hooks.h"
#include "settings/settings.h"
#include "settings/variables.h"

namespace pgrest::settings {

namespace {

[[noreturn]] void cannot_serve(const std::string& setting, const std::string& reason) {
    http::fail("PGRST002", "The settings cannot be served: pgrest." + setting + ": " + reason);
}

// The content of a file, one trailing line feed removed. Relative names start in the data directory.
std::string content_of(const char* setting, const std::string& path) {
    constexpr std::size_t largest = 64 * 1024;
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) cannot_serve(setting, "could not open the file \"" + path + "\": " + std::strerror(errno));
    std::string content(largest + 1, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    if (file.bad()) cannot_serve(setting, "could not read the file \"" + path + "\"");
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (content.size() > largest) cannot_serve(setting, "the file \"" + path + "\" is too large");
    if (content.ends_with('\n')) content.pop_back();
    if (content.empty()) cannot_serve(setting, "the file \"" + path + "\" is empty");
    return content;
}

std::string value_of(std::size_t index) {
    const TextSetting& setting = text_settings[index];
    const bool secret = std::strcmp(setting.name, "jwt_secret") == 0;
    const char* text = secret ? variables.secret : variables.text[index];
    if (!text) return {};
    if (secret && text[0] == '@') return content_of(setting.name, text + 1);
    return text;
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

std::shared_ptr<const config::Config> require_built(const config::Settings& settings) {
    config::Built built = config::build(settings, variables.changes);
    if (built.config) return built.config;
    if (built.problems.empty()) cannot_serve("?", "unknown reason");
    const config::Problem& problem = built.problems.front();
    http::fail("PGRST002", "The settings cannot be served: " + problem.setting + ": " + problem.reason);
}

std::shared_ptr<const config::Config> build_for_backend() {
    if (!refused_at_start().empty()) {
        const config::Problem& problem = refused_at_start().front();
        http::fail("PGRST002", "The settings cannot be served: " + problem.setting + ": " + problem.reason);
    }
    config::Settings settings = collect();
    auto without_database = require_built(settings);
    if (!without_database->db_config || !pool::available()) return without_database;
    const auto answer = pool::database_answer();
    if (!answer || answer->problem || answer->settings.empty()) return without_database;
    for (const auto& [name, value] : answer->settings)
        settings[name] = value;
    return require_built(settings);
}

}  // namespace

config::Settings collect() {
    config::Settings settings;
    add_texts(settings);
    settings["lock_role"] = variables.lock_role ? "true" : "false";
    settings["cancel_on_disconnect"] = cancel_text();
    settings["max_body_size"] = bytes_of(variables.max_body_size);
    settings["stream_threshold"] = bytes_of(variables.stream_threshold);
    return settings;
}

std::shared_ptr<const config::Config> of_this_backend() {
    static std::shared_ptr<const config::Config> built;
    static unsigned long built_at = 0;
    static std::uint64_t answer = 0;
    const std::uint64_t newest = pool::number_of_database_answer();
    if (built && built_at == variables.changes && answer == newest) return built;
    built = build_for_backend();
    built_at = variables.changes;
    answer = newest;
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
    return variables.keepalive_timeout;
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

}  // namespace pgrest::settings

// The variables behind the server parameters: PostgreSQL's GUC machinery writes them. The only mutable state of
// settings.
#pragma once

#include "settings/table.h"

namespace pgrest::settings {

enum class CancelChoice { Off, Reads, All };

struct Variables {
    // ---- the configuration
    char* text[text_setting_count] = {};
    const char* secret = nullptr;  // what jwt_secret was set to; the variable itself never says
    bool lock_role = true;
    bool require_filter = false;
    int cancel_on_disconnect = static_cast<int>(CancelChoice::Reads);
    int max_body_size = 64 * 1024;  // kB, -1 = none
    int max_embeds = 100;
    int max_filters = 10000;
    int stream_threshold = 1024;  // kB
    unsigned long changes = 0;    // counts assignments, so that what is derived from them knows when it is stale

    // ---- processes
    char* database = nullptr;
    char* authenticator = nullptr;
    int workers = 4;
    int listeners = 1;
    char* server_host = nullptr;
    int server_port = 3000;
    bool server_reuseport = false;
    char* server_unix_socket = nullptr;
    char* server_unix_socket_mode = nullptr;  // octal text
    int acquisition_timeout = 10;             // s
    int max_lifetime = 1800;                  // s
    int shutdown_timeout = 2000;              // ms
    int max_connections = 1000;
    int header_timeout = 10;              // s
    int keepalive_timeout = 75;           // s
    int body_timeout = 30;                // s
    int send_timeout = 30;                // s
    int max_connections_per_address = 0;  // 0 = any number
    int body_memory = 128 * 1024;         // kB
    int queue_size = 1024;
    int executor_memory = 256 * 1024;  // kB
    int request_memory = 512 * 1024;   // kB, -1 = any amount
};

extern Variables variables;

// What stands in the variable of a secret.
inline constexpr const char* hidden_secret = "********";

}  // namespace pgrest::settings

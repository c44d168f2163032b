// The server parameters of pgrest (pgrest.*): their definition, the values of this process, and whether the values that
// the server was started with can be served.
//
// Those that make up the configuration (config::Settings) are strings, checked by config::refuse; they change with a
// reload. Those of sizes, sockets and processes are in Process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"

namespace pgrest::settings {

// Defines the parameters. Called once by _PG_init. May raise (duplicate definition).
void define();

// The text of the configuration's settings as this process has them. Those that have their default are absent, so that
// an older name can speak when the newer one is silent. A secret in a file (@path) has not been read.
config::Settings collect();

// The configuration of this backend's own values: for pgrest.request() in an ordinary session. Throws http::Failure
// (PGRST002) when they cannot be served.
std::shared_ptr<const config::Config> of_this_backend();

// Settings that were refused or are unknown and so did not take effect when the server started. PostgreSQL only warns
// and goes on with the default, which can open more than was meant: while there are any, nothing is served.
const std::vector<config::Problem>& refused_at_start();

std::string database();
std::string authenticator();

// Sizes, sockets and processes: the parameters that are not part of the configuration.
struct Process {
    static int workers();
    static int listeners();
    static const char* server_host();
    static int server_port();
    static bool server_reuseport();
    static const char* server_unix_socket();  // "" = none
    static int server_unix_socket_mode();
    static int acquisition_timeout();          // milliseconds
    static int max_lifetime();                 // seconds
    static int shutdown_timeout();             // milliseconds
    static int max_connections();              // of one listener
    static int header_timeout();               // milliseconds
    static int keepalive_timeout();            // milliseconds
    static int body_timeout();                 // milliseconds
    static int send_timeout();                 // milliseconds
    static int max_connections_per_address();  // of one listener, 0 = any number
    static int body_memory_kb();
    static int queue_size();
    static int executor_memory_kb();
    static int request_memory_kb();  // -1 = any amount
};

}  // namespace pgrest::settings

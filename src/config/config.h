// The configuration of one moment as an immutable value. Built from the text of the settings by build();
// everything else reads it and nothing writes it. Pure C++.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgrest::auth {
class KeySet;
class RolePath;
}  // namespace pgrest::auth

namespace pgrest::config {

enum class TxEnd { Commit, CommitAllowOverride, Rollback, RollbackAllowOverride };
enum class Verbosity { Verbose, Minimal };
enum class CancelOnDisconnect { Off, Reads, All };
enum class OpenApiMode { FollowPrivileges, IgnorePrivileges, Disabled };

// Settings of sizes, sockets and processes are plain server parameters and not part of this.
struct Config {
    std::uint64_t generation = 0;

    std::vector<std::string> schemas{"public"};            // db_schemas
    std::vector<std::string> extra_search_path{"public"};  // db_extra_search_path
    std::string anon_role;                                 // db_anon_role, "" = no anonymous access
    std::string pre_request;                               // db_pre_request: "name" or "schema.name"
    std::string root_spec;                                 // db_root_spec
    TxEnd tx_end = TxEnd::Commit;
    std::optional<std::int64_t> max_rows;  // db_max_rows
    bool aggregates_enabled = false;
    bool plan_enabled = false;
    bool db_config = true;
    std::vector<std::string> hoisted_settings;  // db_hoisted_tx_settings
    bool legacy_target_names = true;            // url_use_legacy_target_names
    Verbosity verbosity = Verbosity::Verbose;   // client_error_verbosity
    std::vector<std::string> cors_origins;      // empty = every origin
    OpenApiMode openapi_mode = OpenApiMode::FollowPrivileges;
    std::string trace_header;  // server_trace_header, "" = none

    std::shared_ptr<const auth::KeySet> keys;         // null: no jwt_secret
    std::string jwt_aud;                              // "" = not checked
    std::shared_ptr<const auth::RolePath> role_path;  // jwt_role_claim_key
    std::int64_t jwt_cache_max_entries = 1000;

    bool lock_role = true;
    bool require_filter = false;  // of DELETE and PATCH
    CancelOnDisconnect cancel_on_disconnect = CancelOnDisconnect::Reads;
    std::int64_t max_body_size = 64 * 1024 * 1024;  // bytes, -1 = none
    std::int64_t max_embeds = 100;                  // of one request
    std::int64_t max_filters = 10000;               // of one request, those in trees included
    std::int64_t stream_threshold = 1024 * 1024;    // bytes; a larger plain read is streamed
};

struct Problem {
    std::string setting;  // "pgrest.jwt_secret"
    std::string reason;   // never holds a secret
};

// The text of the settings by name without prefix ("db_schemas"). A setting that is absent or NULL has its
// default. Files (@path) have been read by the caller: the value is the content.
using Settings = std::map<std::string, std::string, std::less<>>;

struct Built {
    std::shared_ptr<const Config> config;  // null when there are problems
    std::vector<Problem> problems;
    std::vector<Problem> warnings;  // short secret, deprecated syntax
};

// Also resolves the older names (pre_request, role_claim_key, secret_is_base64, db_schema): the newer wins.
Built build(const Settings& settings, std::uint64_t generation);

// Why this value of this setting cannot work; nothing when it can. For check hooks: one setting alone.
std::optional<std::string> refuse(std::string_view setting, std::string_view value);

}  // namespace pgrest::config

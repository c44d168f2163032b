// The settings that make up the configuration, with the text of their defaults: one row each. Pure C++, so that a unit
// test can compare the defaults with those of config::build.
#pragma once

#include <string_view>

namespace pgrest::settings {

struct TextSetting {
    const char* name;          // without prefix
    const char* default_text;  // "" = not given
    const char* description;
    const char* newer_name = nullptr;  // this is an older name of that setting, which wins
};

inline constexpr TextSetting text_settings[] = {
    {"db_schemas", "public", "Schemas that the API exposes, comma-separated; the first is the default."},
    {"db_extra_search_path", "public", "Schemas that follow the exposed schema on the search path; empty for none."},
    {"db_anon_role", "", "Role of requests without a token; empty refuses them."},
    {"db_pre_request", "", "Function that runs before every request, in its transaction and under its role."},
    {"db_root_spec", "", "Function that answers requests for /."},
    {"db_tx_end", "commit", "How a request's transaction ends."},
    {"db_max_rows", "", "Most rows that an answer holds; empty for no limit."},
    {"db_aggregates_enabled", "false", "Allows aggregate functions in select."},
    {"db_plan_enabled", "false", "Allows execution plans as a media type."},
    {"db_config", "true", "Applies settings of roles and reads settings from the database."},
    {"db_pre_config", "", "Function that sets settings from within the database."},
    {"db_hoisted_tx_settings", "statement_timeout, plan_filter.statement_cost_limit, default_transaction_isolation",
     "Settings of a called function that hold for the whole transaction."},
    {"url_use_legacy_target_names", "true", "Lets filters name an aliased embedded resource by its table."},
    {"client_error_verbosity", "verbose", "How much an error tells the client: verbose or minimal."},
    {"server_cors_allowed_origins", "", "Origins that browsers may call from, comma-separated; empty for all."},
    {"openapi_mode", "follow-privileges", "What the description at / shows: all, what the role may use, or nothing."},
    {"openapi_security_active", "false", "Describes authentication by token in the description at /."},
    {"openapi_server_proxy_uri", "", "Address under which clients reach the API, for the description at /."},
    {"server_trace_header", "", "Request header that is echoed in every answer."},
    {"jwt_secret", "", "Key that verifies tokens: text, JSON Web Key, key set, or @file."},
    {"jwt_secret_is_base64", "false", "The secret is base64."},
    {"jwt_aud", "", "Audience that tokens must be made for; empty accepts all."},
    {"jwt_role_claim_key", "$.role", "Path of the role in a token's claims."},
    {"jwt_cache_max_entries", "1000", "How many verified tokens are kept; 0 for none."},

    {"db_schema", "", "Older name of pgrest.db_schemas.", "db_schemas"},
    {"pre_request", "", "Older name of pgrest.db_pre_request.", "db_pre_request"},
    {"root_spec", "", "Older name of pgrest.db_root_spec.", "db_root_spec"},
    {"max_rows", "", "Older name of pgrest.db_max_rows.", "db_max_rows"},
    {"secret_is_base64", "", "Older name of pgrest.jwt_secret_is_base64.", "jwt_secret_is_base64"},
    {"role_claim_key", "", "Older name of pgrest.jwt_role_claim_key.", "jwt_role_claim_key"},
};

inline constexpr std::size_t text_setting_count = sizeof text_settings / sizeof text_settings[0];

// The name under which the configuration knows it.
inline constexpr const char* configuration_name(const TextSetting& setting) {
    return setting.newer_name ? setting.newer_name : setting.name;
}

// The one setting for which the empty string is a value of its own.
inline bool empty_means_none(std::string_view name) {
    return name == "db_extra_search_path";
}

}  // namespace pgrest::settings

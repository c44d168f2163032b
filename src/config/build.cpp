#include <algorithm>
#include <cctype>
#include <functional>

#include "auth/base64url.h"
#include "auth/key_set.h"
#include "auth/role_path.h"
#include "config/config.h"
#include "config/values.h"
#include "json/json.h"

namespace pgrest::config {

namespace {

using Reason = std::optional<std::string>;

constexpr std::string_view kHoistedByDefault =
    "statement_timeout, plan_filter.statement_cost_limit, default_transaction_isolation";

// ---- how each setting is read: into the configuration, or a reason why not

Reason read_flag(bool& target, std::string_view value) {
    const auto flag = read_bool(value);
    if (!flag) return "it must be on or off";
    target = *flag;
    return {};
}

Reason read_number(std::int64_t& target, std::string_view value, std::int64_t least) {
    const auto number = read_integer(value);
    if (!number) return "it must be a whole number";
    if (*number < least) return "it must be a whole number of at least " + std::to_string(least);
    target = *number;
    return {};
}

Reason read_schemas(Config& config, std::string_view value) {
    std::vector<std::string> schemas = read_list(value);
    for (const std::string& name : schemas) {
        if (name.empty()) return "it has an empty item between two commas";
        if (name == "pg_catalog" || name == "information_schema") return "the schema " + name + " cannot be exposed";
    }
    if (schemas.empty()) return "it must name at least one schema";
    config.schemas = std::move(schemas);
    return {};
}

Reason read_extra_search_path(Config& config, std::string_view value) {
    std::vector<std::string> schemas = read_list(value);
    for (const std::string& name : schemas)
        if (name.empty()) return "it has an empty item between two commas";
    config.extra_search_path = std::move(schemas);
    return {};
}

Reason read_tx_end(Config& config, std::string_view value) {
    if (value == "commit")
        config.tx_end = TxEnd::Commit;
    else if (value == "commit-allow-override")
        config.tx_end = TxEnd::CommitAllowOverride;
    else if (value == "rollback")
        config.tx_end = TxEnd::Rollback;
    else if (value == "rollback-allow-override")
        config.tx_end = TxEnd::RollbackAllowOverride;
    else
        return "it must be commit, commit-allow-override, rollback or rollback-allow-override";
    return {};
}

Reason read_verbosity(Config& config, std::string_view value) {
    if (value == "verbose")
        config.verbosity = Verbosity::Verbose;
    else if (value == "minimal")
        config.verbosity = Verbosity::Minimal;
    else
        return "it must be verbose or minimal";
    return {};
}

Reason read_openapi_mode(Config& config, std::string_view value) {
    if (value == "follow-privileges")
        config.openapi_mode = OpenApiMode::FollowPrivileges;
    else if (value == "ignore-privileges")
        config.openapi_mode = OpenApiMode::IgnorePrivileges;
    else if (value == "disabled")
        config.openapi_mode = OpenApiMode::Disabled;
    else
        return "it must be follow-privileges, ignore-privileges or disabled";
    return {};
}

Reason read_cancel(Config& config, std::string_view value) {
    if (value == "off")
        config.cancel_on_disconnect = CancelOnDisconnect::Off;
    else if (value == "reads")
        config.cancel_on_disconnect = CancelOnDisconnect::Reads;
    else if (value == "all")
        config.cancel_on_disconnect = CancelOnDisconnect::All;
    else
        return "it must be reads, all or off";
    return {};
}

Reason read_role_path(Config& config, std::string_view value) {
    config.role_path = auth::RolePath::parse(value);
    if (config.role_path) return {};
    return "'" + std::string(value) + "' is neither a JSON Path such as $.role nor a path such as .role";
}

// A string with a colon must be a URI (RFC 7519 section 2, StringOrURI).
bool is_string_or_uri(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return true;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (colon == 0 || !letter(text.front())) return false;
    for (char c : text.substr(0, colon))
        if (!letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return false;
    constexpr std::string_view kForbidden = "<>\"{}|\\^`";
    const auto hex = [&](std::size_t at) {
        return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at]));
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (c <= ' ' || c > '~' || kForbidden.find(c) != std::string_view::npos) return false;
        if (c == '%' && !(hex(at + 1) && hex(at + 2))) return false;
    }
    return true;
}

Reason read_audience(Config& config, std::string_view value) {
    if (!is_string_or_uri(value)) return "with a colon in it, it must be a URI";
    config.jwt_aud = std::string(value);
    return {};
}

Reason read_url(std::string_view value) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (value.substr(0, scheme.size()) != scheme) continue;
        const std::string_view rest = value.substr(scheme.size());
        if (rest.empty() || rest.front() == '/' || rest.find_first_of("@? ") != std::string_view::npos) break;
        return {};
    }
    return "it must be an absolute http or https URI without user and query";
}

Reason read_max_rows(Config& config, std::string_view value) {
    std::int64_t rows = 0;
    const Reason reason = read_number(rows, value, 0);
    if (!reason) config.max_rows = rows;
    return reason;
}

struct Setting {
    std::string_view name;
    Reason (*read)(Config& config, std::string_view value);
    bool empty_is_value = false;  // the empty text means something, and not: not given
};

template <typename T, T Config::*Member>
Reason text(Config& config, std::string_view value) {
    config.*Member = std::string(value);
    return {};
}

template <bool Config::*Member>
Reason flag(Config& config, std::string_view value) {
    return read_flag(config.*Member, value);
}

template <std::int64_t Config::*Member, std::int64_t Least>
Reason number(Config& config, std::string_view value) {
    return read_number(config.*Member, value, Least);
}

// An empty item would be a pattern that every setting matches, or an origin that no browser sends.
template <std::vector<std::string> Config::*Member>
Reason list(Config& config, std::string_view value) {
    std::vector<std::string> items = read_list(value);
    items.erase(std::remove(items.begin(), items.end(), std::string()), items.end());
    config.*Member = std::move(items);
    return {};
}

Reason accept_flag(Config&, std::string_view value) {
    bool ignored = false;
    return read_flag(ignored, value);
}

Reason accept_any(Config&, std::string_view) {
    return {};
}

// jwt_secret and jwt_secret_is_base64 are read together, see read_keys().
constexpr Setting kSettings[] = {
    {"db_schemas", read_schemas},
    {"db_extra_search_path", read_extra_search_path, true},
    {"db_anon_role", text<std::string, &Config::anon_role>},
    {"db_pre_request", text<std::string, &Config::pre_request>},
    {"db_pre_config", accept_any},
    {"db_root_spec", text<std::string, &Config::root_spec>},
    {"db_tx_end", read_tx_end},
    {"db_max_rows", read_max_rows},
    {"db_aggregates_enabled", flag<&Config::aggregates_enabled>},
    {"db_plan_enabled", flag<&Config::plan_enabled>},
    {"db_config", flag<&Config::db_config>},
    {"db_hoisted_tx_settings", list<&Config::hoisted_settings>},
    {"url_use_legacy_target_names", flag<&Config::legacy_target_names>},
    {"client_error_verbosity", read_verbosity},
    {"server_cors_allowed_origins", list<&Config::cors_origins>},
    {"openapi_mode", read_openapi_mode},
    {"openapi_security_active", accept_flag},
    {"openapi_server_proxy_uri", [](Config&, std::string_view value) { return read_url(value); }},
    {"server_trace_header", text<std::string, &Config::trace_header>},
    {"jwt_secret", accept_any},
    {"jwt_secret_is_base64", accept_flag},
    {"jwt_aud", read_audience},
    {"jwt_role_claim_key", read_role_path},
    {"jwt_cache_max_entries", number<&Config::jwt_cache_max_entries, INT64_MIN>},
    {"lock_role", flag<&Config::lock_role>},
    {"require_filter", flag<&Config::require_filter>},
    {"cancel_on_disconnect", read_cancel},
    {"max_body_size", number<&Config::max_body_size, -1>},
    {"max_embeds", number<&Config::max_embeds, 0>},
    {"max_filters", number<&Config::max_filters, 0>},
    {"stream_threshold", number<&Config::stream_threshold, 0>},
};

struct Alias {
    std::string_view older;
    std::string_view name;
};

constexpr Alias kAliases[] = {{"pre_request", "db_pre_request"},
                              {"role_claim_key", "jwt_role_claim_key"},
                              {"secret_is_base64", "jwt_secret_is_base64"},
                              {"db_schema", "db_schemas"},
                              {"root_spec", "db_root_spec"}};

std::string_view newer_name(std::string_view name) {
    for (const Alias& alias : kAliases)
        if (alias.older == name) return alias.name;
    return name;
}

const Setting* find_setting(std::string_view name) {
    const auto* const found = std::find_if(std::begin(kSettings), std::end(kSettings),
                                           [&](const Setting& setting) { return setting.name == name; });
    return found == std::end(kSettings) ? nullptr : found;
}

// The value of a setting under its name or, when that is not given, under an older one; with the name that it stands
// under.
std::optional<std::pair<std::string_view, std::string_view>> given(const Settings& settings, const Setting& setting) {
    const auto usable = [&](std::string_view name) -> std::optional<std::pair<std::string_view, std::string_view>> {
        const auto found = settings.find(name);
        if (found == settings.end() || (found->second.empty() && !setting.empty_is_value)) return {};
        return std::pair<std::string_view, std::string_view>(name, found->second);
    };
    if (auto value = usable(setting.name)) return value;
    for (const Alias& alias : kAliases)
        if (alias.name == setting.name)
            if (auto value = usable(alias.older)) return value;
    return {};
}

void read_keys(const Settings& settings, Config& config, Built& built) {
    const auto secret = given(settings, *find_setting("jwt_secret"));
    if (!secret) return;
    bool encoded = false;
    if (const auto base64 = given(settings, *find_setting("jwt_secret_is_base64"))) read_flag(encoded, base64->second);
    std::string bytes(secret->second);
    if (encoded) {
        auto decoded = auth::decode_secret(bytes);
        if (!decoded) {
            built.problems.push_back(
                {"pgrest.jwt_secret", "it is not valid base64, which jwt_secret_is_base64 announces"});
            return;
        }
        bytes = std::move(*decoded);
    }
    auto parsed = auth::KeySet::parse(bytes);
    if (const auto* reason = std::get_if<std::string>(&parsed)) {
        built.problems.push_back({"pgrest.jwt_secret", *reason});
        return;
    }
    config.keys = std::get<std::shared_ptr<const auth::KeySet>>(std::move(parsed));
    if (config.keys->is_short_secret())
        built.warnings.push_back(
            {"pgrest.jwt_secret", "it is shorter than 32 bytes and can be guessed; use a longer one"});
}

// Base64 never looks like a key, so what does can be judged without jwt_secret_is_base64.
Reason refuse_secret(std::string_view value) {
    const auto parsed = auth::KeySet::parse(value);
    const auto* const reason = std::get_if<std::string>(&parsed);
    return reason ? Reason(*reason) : std::nullopt;
}

// A secret may be any bytes; all else is text, and whoever reads it has it for UTF-8.
Reason refuse_encoding(const Setting& setting, std::string_view value) {
    if (setting.name == "jwt_secret" || json::valid_utf8(value)) return {};
    return "it is not text in UTF-8, which pgrest's settings are whatever the database's encoding is";
}

Reason read(Config& config, const Setting& setting, std::string_view value) {
    if (const Reason reason = refuse_encoding(setting, value)) return reason;
    return setting.read(config, value);
}

}  // namespace

Built build(const Settings& settings, std::uint64_t generation) {
    Built built;
    auto config = std::make_shared<Config>();
    config->generation = generation;
    config->hoisted_settings = read_list(kHoistedByDefault);
    config->role_path = auth::RolePath::parse("$.role");
    for (const auto& [name, value] : settings)
        if (!find_setting(newer_name(name))) built.problems.push_back({"pgrest." + name, "there is no such setting"});
    for (const Setting& setting : kSettings) {
        const auto value = given(settings, setting);
        if (!value) continue;
        if (const Reason reason = read(*config, setting, value->second))
            built.problems.push_back({"pgrest." + std::string(value->first), *reason});
    }
    if (config->role_path && config->role_path->is_deprecated())
        built.warnings.push_back({"pgrest.jwt_role_claim_key", "its dotted syntax is deprecated; write a JSON Path"});
    read_keys(settings, *config, built);
    if (built.problems.empty()) built.config = std::move(config);
    return built;
}

std::optional<std::string> refuse(std::string_view name, std::string_view value) {
    const Setting* const setting = find_setting(newer_name(name));
    if (!setting) return "there is no such setting";
    if (value.empty() && !setting->empty_is_value) return {};
    if (setting->name == "jwt_secret") return refuse_secret(value);
    Config scratch;
    return read(scratch, *setting, value);
}

}  // namespace pgrest::config

#include "exec/answer_exchange.h"

#include <algorithm>
#include <utility>

#include "catalog/pg_catalog.h"
#include "exec/hoisted_settings.h"
#include "exec/named_function.h"
#include "http/claim_settings.h"
#include "http/error.h"
#include "http/response_settings.h"
#include "pg/guard.h"
#include "pg/postgres.h"
#include "pg/text.h"

extern "C" {
#include "access/xact.h"
}

namespace pgrest::exec {

namespace {

std::string search_path(const std::string& schema, const std::vector<std::string>& extra) {
    std::string path = sql::quoted(schema);
    for (const std::string& name : extra)
        path += ", " + sql::quoted(name);
    return path;
}

std::string pre_request_sql(const config::Config& config) {
    if (config.pre_request.empty()) return {};
    return "SELECT " + qualified_function(config.pre_request, config) + "()";
}

bool same_word(std::string_view a, std::string_view lower) {
    return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
               return (x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) == y;
           });
}

std::optional<Isolation> isolation_of(const catalog::Function& function) {
    for (const auto& [name, value] : function.settings) {
        if (name != "default_transaction_isolation") continue;
        if (same_word(value, "serializable")) return Isolation::Serializable;
        if (same_word(value, "repeatable read")) return Isolation::RepeatableRead;
        return Isolation::ReadCommitted;
    }
    return {};
}

// A role or a claim that the database's encoding has no letters for belongs to nobody whom the database could know.
void require_identity_fits(const auth::Identity& identity) {
    if (pg::server_speaks_utf8()) return;
    try {
        pg::to_server(identity.role);
        pg::to_server(identity.claims);
        for (const auto& [name, value] : http::claim_settings(identity.claims)) {
            pg::to_server(name);
            pg::to_server(value);
        }
    } catch (const pg::Error& error) {
        http::Error refusal = http::from_database(error.error(), identity.authenticated);
        refusal.status = 401;
        refusal.details = "The token names a role or a claim that the encoding of the database cannot hold.";
        refusal.headers.push_back({"WWW-Authenticate", "Bearer"});
        throw http::Failure(std::move(refusal));
    }
}

catalog::Catalog& shared_catalog(const config::Config& config) {
    catalog::PgCatalog& catalog = catalog::PgCatalog::of_process();
    catalog.use(config.schemas, config.extra_search_path);
    return catalog;
}

}  // namespace

Exchange::Exchange(const http::Request& given, const auth::Identity& identity, const config::Config& given_config,
                   http::ResponseSink& given_sink, const HandleOptions& options)
    : request(given),
      config(given_config),
      sink(given_sink),
      admitted(http::admit_authenticated(given, given_config, identity)),
      catalog(shared_catalog(given_config)),
      surroundings_(options.surroundings),
      authenticator_(options.authenticator),
      options_(options),
      access_(options.surroundings),
      transaction_(options.surroundings) {
    if (options.check_catalogs) options.check_catalogs();
    require_identity_fits(admitted.identity);
    if (surroundings_ == Surroundings::OwnTransaction) lookup_timer_.start(admitted.identity.role, config.db_config);
}

plan::LevelRules Exchange::level_rules(bool reading) const {
    plan::LevelRules rules;
    rules.aggregates_enabled = config.aggregates_enabled;
    rules.legacy_target_names = config.legacy_target_names;
    if (reading) rules.max_rows = config.max_rows;
    rules.embed_ranges = reading;
    rules.embed_null_tests = reading;
    return rules;
}

void Exchange::check_strict() const {
    const api::Preferences& preferences = admitted.preferences;
    if (preferences.handling != api::Handling::Strict || preferences.unknown.empty()) return;
    std::string tokens;
    for (const std::string& token : preferences.unknown)
        tokens += (tokens.empty() ? "" : ", ") + token;
    http::fail("PGRST122", "Preferences that are not known were sent with handling=strict", tokens);
}

SettingTexts Exchange::request_settings() const {
    SettingTexts settings;
    settings.emplace_back("request.jwt.claims", admitted.identity.claims);
    for (auto& claim : http::claim_settings(admitted.identity.claims))
        settings.push_back(std::move(claim));
    settings.emplace_back("request.method", request.method);
    settings.emplace_back("request.path", request.path);
    settings.emplace_back("request.headers", http::headers_as_json(request.headers));
    settings.emplace_back("request.cookies", http::cookies_as_json(request.headers));
    return settings;
}

TransactionPlan Exchange::transaction_plan(bool read_only, const catalog::Function* function) const {
    TransactionPlan plan;
    plan.read_only = read_only;
    plan.search_path = search_path(admitted.schema, config.extra_search_path);
    plan.role = admitted.identity.role;
    plan.authenticator = authenticator_;
    plan.apply_role_settings = config.db_config;
    plan.lock_role = config.lock_role;
    plan.pre_request_sql = pre_request_sql(config);
    plan.request_settings = [this] { return request_settings(); };
    plan.refused_setting = options_.refused_setting;
    auto& settings = plan.settings;
    if (admitted.preferences.timezone) settings.emplace_back("timezone", *admitted.preferences.timezone);
    if (!function) return plan;
    plan.function_isolation = isolation_of(*function);
    plan.function_settings = function->settings;
    for (auto& hoisted : hoisted_settings(function->settings, config.hoisted_settings))
        settings.push_back(std::move(hoisted));
    return plan;
}

void Exchange::begin(const TransactionPlan& plan) {
    lookup_timer_.stop();
    transaction_.begin(plan);
    if (options_.begun) options_.begun();
}

Outcome Exchange::run(const sql::Text& text, const RowFormat& format, const RunOptions& options, Body& body,
                      std::optional<std::size_t> binary_value, const BodyTable* table) {
    // what log_min_duration_statement measures from
    if (surroundings_ == Surroundings::OwnTransaction) SetCurrentStatementStartTimestamp();
    RunOptions checked = options;
    checked.unchanged_since = std::exchange(unchanged_since, {});  // after the first there are locks
    Outcome outcome =
        exec::run(Statement{text.text(), text.values(), binary_value, table, options_.forget_body, text.lists()},
                  format, checked, body);
    response_status_ = outcome.response_status.value_or("");
    response_headers_ = outcome.response_headers.value_or("");
    return outcome;
}

void Exchange::read_response_settings() {
    response_status_ = transaction_.setting("response.status");
    response_headers_ = transaction_.setting("response.headers");
}

void Exchange::end() {
    if (!answer::ends_with_rollback(admitted.preferences, config.tx_end)) {
        transaction_.commit();
        access_.keep();
        return;
    }
    transaction_.check_deferred_constraints();
    transaction_.rollback();
}

void Exchange::add_common_headers(Draft& draft, const std::string* content_type) const {
    if (content_type) {
        draft.headers.push_back({"Content-Type", *content_type});
        if (config.schemas.size() > 1 || admitted.profile_asked)
            draft.headers.push_back({"Content-Profile", admitted.schema});
    }
    draft.headers.push_back({"Vary", "Accept, Prefer, Range"});
}

void Exchange::add_preferences(Draft& draft, const answer::Honoured& honoured) const {
    if (auto applied = answer::preference_applied(admitted.preferences, honoured, config.tx_end))
        draft.headers.push_back({"Preference-Applied", *applied});
}

void Exchange::apply_response_settings(Draft& draft) const {
    if (!response_status_.empty()) {
        draft.status = http::parse_response_status(response_status_);
        if (draft.status == 204) draft.has_body = false;
    }
    if (!response_headers_.empty())
        http::replace_headers(draft.headers, http::parse_response_headers(response_headers_));
}

void Exchange::send(Draft& draft, Body& body) {
    if (body.streaming()) {
        body.send();  // the last part, which did not fill a chunk
        sink.finish();
        return;
    }
    if (draft.shaped_by_sql) apply_response_settings(draft);
    std::optional<std::uint64_t> length;
    if (draft.has_body && !is_head()) length = body.size();
    sink.start(draft.status, {}, draft.headers, length);
    if (length) body.send();
    sink.finish();
}

void Exchange::start_streaming(void* context) {
    auto* streaming = static_cast<Streaming*>(context);
    bool failed = false;
    try {
        Exchange& exchange = *streaming->exchange;
        exchange.read_response_settings();
        exchange.apply_response_settings(streaming->draft);
        exchange.sink.start(streaming->draft.status, {}, streaming->draft.headers, {});
    } catch (const http::Failure& failure) {
        streaming->exchange->streaming_failure = failure.error();
        failed = true;
    } catch (const std::bad_alloc&) {
        streaming->exchange->streaming_failure = http::from_database({"53200", "out of memory", {}, {}}, true);
        failed = true;
    } catch (const std::exception& exception) {
        streaming->exchange->streaming_failure = http::own_error("PGRSTX00", exception.what());
        failed = true;
    }
    // outside of the try block: nothing with a destructor is left alive
    if (failed) ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("the answer could not be started")));
}

void set_window(plan::Level& root, const api::Window& window, const std::optional<std::int64_t>& max_rows) {
    if (window.huge_offset)
        root.offset = window.huge_offset;
    else if (window.offset > 0)
        root.offset = std::to_string(window.offset);
    std::optional<std::int64_t> limit = window.limit;
    if (max_rows && (!limit || *limit > *max_rows) && !window.huge_limit) limit = max_rows;
    if (window.huge_limit)
        root.limit = window.huge_limit;
    else if (limit)
        root.limit = std::to_string(*limit);
}

std::string explain_prefix(const answer::Representation& representation) {
    std::string prefix = representation.plan_json ? "EXPLAIN (FORMAT JSON" : "EXPLAIN (FORMAT TEXT";
    for (const std::string& option : representation.plan_options)
        prefix += ", " + option;
    return prefix + ") ";
}

}  // namespace pgrest::exec

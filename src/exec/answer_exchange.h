// One request on its way to its answer: what the kinds of request (read, write, call, OPTIONS) have in common.
#pragma once

#include <optional>
#include <string>

#include "answer/negotiation.h"
#include "answer/preference_applied.h"
#include "api/parse.h"
#include "auth/identity.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "exec/body.h"
#include "exec/handle.h"
#include "exec/lookup_timer.h"
#include "exec/statement.h"
#include "exec/transaction.h"
#include "http/admission.h"
#include "http/error.h"
#include "http/message.h"
#include "plan/level_planner.h"
#include "sql/text.h"

namespace pgrest::exec {

// What the answer will say when all goes well; response.status and response.headers are laid over it.
struct Draft {
    int status = 200;
    http::Headers headers;
    bool has_body = true;
    bool shaped_by_sql = true;  // false: response.status and response.headers have no effect
};

class Exchange {
public:
    Exchange(const http::Request& request, const auth::Identity& identity, const config::Config& config,
             http::ResponseSink& sink, const HandleOptions& options);

    const http::Request& request;
    const config::Config& config;
    http::ResponseSink& sink;
    const http::Admitted admitted;
    catalog::Catalog& catalog;

    bool is_head() const { return request.method == "HEAD"; }

    // ---- planning
    plan::LevelRules level_rules(bool reading) const;
    void check_strict() const;  // throws PGRST122
    TransactionPlan transaction_plan(bool read_only, const catalog::Function* function) const;

    // ---- the database
    void begin(const TransactionPlan& plan);
    Outcome run(const sql::Text& text, const RowFormat& format, const RunOptions& options, Body& body,
                std::optional<std::size_t> binary_value = {}, const BodyTable* table = nullptr);
    // Ends the transaction as settings and preferences say.
    void end();
    std::string setting(const char* name) { return transaction_.setting(name); }

    // ---- the answer
    // Content-Type, Content-Profile and what all successful answers share.
    void add_common_headers(Draft& draft, const std::string* content_type) const;
    void add_preferences(Draft& draft, const answer::Honoured& honoured) const;
    // Lays response.status and response.headers (as the last statement left them) over the draft. Throws PGRST111,
    // PGRST112.
    void apply_response_settings(Draft& draft) const;
    void send(Draft& draft, Body& body);

    // Starts a streamed answer from inside PostgreSQL's executor: see exec/body.h. draft: a function that makes it.
    struct Streaming {
        Exchange* exchange = nullptr;
        Draft draft;
    };
    static void start_streaming(void* streaming);
    // See RunOptions.
    std::optional<std::uint64_t> unchanged_since;
    // Set when start_streaming could not start (malformed response.*): the answer is this error.
    std::optional<http::Error> streaming_failure;

private:
    SettingTexts request_settings() const;  // claims, request.*
    void read_response_settings();

    Surroundings surroundings_;
    std::string authenticator_;
    const HandleOptions& options_;
    CatalogAccess access_;
    LookupTimer lookup_timer_;
    Transaction transaction_;
    std::string response_status_;
    std::string response_headers_;
};

// The limit that db-max-rows leaves of a window.
void set_window(plan::Level& root, const api::Window& window, const std::optional<std::int64_t>& max_rows);

// EXPLAIN (...) in front of a statement.
std::string explain_prefix(const answer::Representation& representation);

void answer_read(Exchange& exchange);
void answer_write(Exchange& exchange);
void answer_call(Exchange& exchange);
void answer_options(Exchange& exchange);

}  // namespace pgrest::exec

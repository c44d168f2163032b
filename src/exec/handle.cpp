#include "exec/handle.h"

#include "exec/answer_exchange.h"
#include "exec/plan_dependencies.h"
#include "exec/role_lock.h"
#include "exec/statement_timer.h"
#include "http/error.h"
#include "pg/guard.h"

namespace pgrest::exec {

namespace {

// Remembers whether the answer has begun, after which an error can only break it off.
class WatchedSink : public http::ResponseSink {
public:
    explicit WatchedSink(http::ResponseSink& sink) : sink_(sink) {}

    void start(int status, std::string_view reason, const http::Headers& headers,
               std::optional<std::uint64_t> content_length) override {
        started_ = true;
        sink_.start(status, reason, headers, content_length);
    }
    void write(const char* data, std::size_t size) override { sink_.write(data, size); }
    void finish() override { sink_.finish(); }
    bool started() const { return started_; }

private:
    http::ResponseSink& sink_;
    bool started_ = false;
};

void dispatch(Exchange& exchange) {
    if (exchange.request.method == "OPTIONS") {
        answer_options(exchange);
        return;
    }
    switch (exchange.admitted.resource.kind) {
        case api::ResourceKind::Relation:
            if (exchange.request.method == "GET" || exchange.request.method == "HEAD")
                answer_read(exchange);
            else
                answer_write(exchange);
            return;
        case api::ResourceKind::Function:
            answer_call(exchange);
            return;
        case api::ResourceKind::Root:
            http::fail("PGRST127", "This request asks for something that is not implemented",
                       "The OpenAPI description of the schema is not implemented.");
    }
}

void send_error(const http::Request& request, const config::Config& config, http::ResponseSink& sink,
                const http::Error& error) {
    const http::Response response = http::to_response(error, config.verbosity == config::Verbosity::Minimal);
    sink.start(response.status, response.reason, response.headers, response.body.size());
    if (request.method != "HEAD") {
        // a sink reports its failures as PostgreSQL does
        http::ResponseSink* const to = &sink;
        const std::string_view body = response.body;
        pg::guarded([=] { to->write(body.data(), body.size()); });
    }
    sink.finish();
}

// A cancel, or the timeout of the statement that calls pgrest.request(): whoever asked for it waits for the caller to
// end, so it passes through as it passes PL/pgSQL's WHEN OTHERS.
bool callers_business(const pg::Error& error, Surroundings surroundings) {
    return surroundings == Surroundings::Subtransaction && error.error().sqlstate == "57014" &&
           !statement_timer_ran_out();
}

// The error of a request, once everything of it has been rolled back.
struct Failed {
    http::Error error;
    bool may_be_of_a_change = false;  // of what was looked up, in the midst of the request
};

// What PostgreSQL says when a name, a type or a function is no longer what it was a moment ago.
bool may_be_of_a_change(const pg::Error& error) {
    const std::string& state = error.error().sqlstate;
    return state.starts_with("42") || state == "XX000";
}

bool is_repeatable(const http::Request& request, const HandleOptions& options) {
    return options.surroundings == Surroundings::OwnTransaction &&
           (request.method == "GET" || request.method == "HEAD");
}

std::optional<Failed> try_handle(const http::Request& request, const auth::Identity& identity,
                                 const config::Config& config, WatchedSink& sink, const HandleOptions& options,
                                 bool is_last) {
    std::optional<http::Error> streaming_failure;
    std::uint64_t before = 0;
    bool role_was_locked = false;
    try {
        Exchange exchange(request, identity, config, sink, options);
        before = heard_changes();
        if (!is_last) exchange.unchanged_since = before;
        try {
            dispatch(exchange);
            return {};
        } catch (...) {
            streaming_failure = exchange.streaming_failure;
            role_was_locked = role_is_locked();
            throw;
        }
    } catch (const http::Failure& failure) {
        return Failed{failure.error()};
    } catch (const ChangedMeanwhile& changed) {
        return Failed{http::own_error("PGRSTX00", changed.what()), true};
    } catch (const pg::Error& error) {
        if (streaming_failure) return Failed{*streaming_failure};
        if (sink.started() || callers_business(error, options.surroundings)) throw;
        const http::DatabaseError shown = role_was_locked ? explained_by_lock(error.error()) : error.error();
        return Failed{
            http::from_database(shown, identity.authenticated),
            is_repeatable(request, options) && may_be_of_a_change(error) && before != 0 && hears_changes_since(before)};
    }
}

// A request that could not be begun, or a read that failed, because something changed after its look-ups did nothing
// and said nothing: it is made once more, as if it had come a moment later.
std::optional<Failed> try_handle_again(const http::Request& request, const auth::Identity& identity,
                                       const config::Config& config, WatchedSink& sink, HandleOptions options,
                                       bool is_last) {
    options.begun = [] {};
    options.refused_setting = [](const std::string&, const std::string&) {};
    return try_handle(request, identity, config, sink, options, is_last);
}

}  // namespace

void handle(const http::Request& request, const auth::Identity& identity, const config::Config& config,
            http::ResponseSink& sink, const HandleOptions& options) {
    WatchedSink watched(sink);
    // where changes never pause, the last attempt goes by what names mean when it runs
    constexpr int most_repeats = 4;
    const bool only_once = options.surroundings == Surroundings::Subtransaction;
    auto failed = try_handle(request, identity, config, watched, options, only_once);
    for (int i = 1; i <= most_repeats && failed && failed->may_be_of_a_change && !watched.started(); ++i)
        failed = try_handle_again(request, identity, config, watched, options, i == most_repeats);
    if (!failed) return;
    if (options.on_error) options.on_error(failed->error);
    send_error(request, config, watched, failed->error);
}

}  // namespace pgrest::exec

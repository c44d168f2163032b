// pgrest.request(): the API from SQL, inside the caller's transaction.
#include <ctime>
#include <string>
#include <variant>

#include "auth/authenticator.h"
#include "exec/handle.h"
#include "functions/arguments.h"
#include "http/admission.h"
#include "http/error.h"
#include "json/json.h"
#include "pg/error.h"
#include "pg/guard.h"
#include "settings/settings.h"

extern "C" {
#include "miscadmin.h"
#include "utils/acl.h"

PG_FUNCTION_INFO_V1(pgrest_request);
}

namespace pgrest::functions {

namespace {

// Collects an answer. The body is palloc'd, since write() is called from inside PostgreSQL's executor.
class CollectingSink : public http::ResponseSink {
public:
    explicit CollectingSink(MemoryContext context) : context_(context) {}

    void start(int status, std::string_view, const http::Headers& headers, std::optional<std::uint64_t>) override {
        status_ = status;
        headers_ = headers;
    }
    void write(const char* data, std::size_t size) override {
        MemoryContext before = MemoryContextSwitchTo(context_);
        if (!body_.data) initStringInfo(&body_);
        appendBinaryStringInfo(&body_, data, static_cast<int>(size));
        MemoryContextSwitchTo(before);
    }
    void finish() override {}

    int status() const { return status_; }
    const http::Headers& headers() const { return headers_; }
    std::string body() const { return body_.data ? std::string(body_.data, body_.len) : std::string(); }

    void take(const http::Response& response) {
        status_ = response.status;
        headers_ = response.headers;
        replacement_ = response.body;
        replaced_ = true;
    }
    std::optional<std::string> text() const {
        if (replaced_) return replacement_.empty() ? std::nullopt : std::optional(replacement_);
        return body_.data ? std::optional(body()) : std::nullopt;
    }

private:
    MemoryContext context_;
    int status_ = 0;
    http::Headers headers_;
    StringInfoData body_{};
    bool replaced_ = false;
    std::string replacement_;
};

[[noreturn]] void refuse(const char* sqlstate, std::string message, std::string hint = {}) {
    http::DatabaseError error;
    error.sqlstate = sqlstate;
    error.message = std::move(message);
    if (!hint.empty()) error.hint = std::move(hint);
    throw pg::Error(std::move(error));
}

void require_caller() {
    const std::string authenticator = settings::authenticator();
    const char* name = authenticator.c_str();
    const bool allowed =
        pg::guarded([=] { return superuser() || GetUserId() == get_role_oid(name, /* missing_ok */ true); });
    if (!allowed) refuse("42501", "pgrest.request() is for superusers and the authenticator");
}

http::Headers headers_of(const std::string& text) {
    const auto object = json::parse(text);
    if (!object || object->kind != json::Kind::Object)
        refuse("22023", "the headers of a request are a JSON object of strings",
               "For example {\"Accept\": \"text/csv\"}.");
    http::Headers headers;
    for (const json::Member& member : json::members(*object)) {
        if (member.value.kind != json::Kind::String)
            refuse("22023", "the value of the header " + member.key + " is not a string");
        headers.push_back({member.key, json::string_of(member.value)});
    }
    return headers;
}

http::Request request_of(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) refuse("22004", "method and path of a request must not be null");
    http::Request request;
    request.method = text_argument(fcinfo, 0);
    const std::string target = text_argument(fcinfo, 1);
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    if (!PG_ARGISNULL(2)) request.headers = headers_of(jsonb_argument(fcinfo, 2));
    if (!PG_ARGISNULL(3)) request.body = text_argument(fcinfo, 3);
    return request;
}

void answer(const http::Request& request, const config::Config& config, CollectingSink& sink) {
    const bool minimal = config.verbosity == config::Verbosity::Minimal;
    auth::TokenCache cache;
    try {
        auto admitted = http::admit(request, config, cache, std::time(nullptr));
        if (const auto* response = std::get_if<http::Response>(&admitted)) {
            sink.take(*response);
            return;
        }
        exec::HandleOptions options;
        options.surroundings = exec::Surroundings::Subtransaction;
        options.authenticator = settings::authenticator();
        exec::handle(request, std::get<http::Admitted>(admitted).identity, config, sink, options);
    } catch (const http::Failure& failure) {
        sink.take(http::to_response(failure.error(), minimal));
    }
}

// A JSON object; of fields that are sent several times the values joined by ", " (RFC 9110 section 5.3).
std::string headers_as_object(const http::Headers& headers) {
    http::Headers joined;
    for (const http::Header& header : headers) {
        bool found = false;
        for (http::Header& known : joined) {
            if (!http::same_name(known.name, header.name)) continue;
            known.value += ", " + header.value;
            found = true;
        }
        if (!found) joined.push_back(header);
    }
    std::string text = "{";
    for (const http::Header& header : joined) {
        if (text.size() > 1) text += ',';
        json::append_string(text, header.name);
        text += ':';
        json::append_string(text, header.value);
    }
    return text + "}";
}

Datum request(FunctionCallInfo fcinfo) {
    require_caller();
    const http::Request asked = request_of(fcinfo);
    const auto config = settings::of_this_backend();
    CollectingSink sink(CurrentMemoryContext);
    answer(asked, *config, sink);
    http::Headers headers = sink.headers();
    http::add_cors_headers(asked, *config, headers);
    return record_of_texts(fcinfo, {std::to_string(sink.status()), headers_as_object(headers), sink.text()});
}

}  // namespace

}  // namespace pgrest::functions

extern "C" PGDLLEXPORT Datum pgrest_request(PG_FUNCTION_ARGS) {
    return pgrest::pg::translate_exceptions([&] { return pgrest::functions::request(fcinfo); });
}

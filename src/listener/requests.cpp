// From a request's first bytes to its place in the job table.
#include <microhttpd.h>
#include <sys/socket.h>
#include <algorithm>
#include <cctype>
#include <cstring>
#include <ctime>
#include <variant>

#include "http/admission.h"
#include "http/error.h"
#include "listener/server.h"
#include "pool/jobs.h"
#include "pool/snapshot.h"

namespace pgrest::listener {

namespace {

// Of a body that is refused this much is read all the same, so that the client gets to see the answer.
constexpr std::uint64_t discard_limit = 8 * 1024 * 1024;

// What libmicrohttpd adds to a header in its memory.
constexpr std::size_t cost_of_header = 64;

http::Error error_of_http(int status, std::string message) {
    http::Error error;
    error.status = status;
    error.code = "PGRSTX" + std::to_string(status);
    error.message = std::move(message);
    return error;
}

[[noreturn]] void refuse(int status, std::string message) {
    throw http::Failure(error_of_http(status, std::move(message)));
}

http::Error out_of_memory() {
    return http::from_database({"53200", "The server is out of memory for request bodies", {}, {}}, true);
}

// ---------------------------------------------------------------- head
struct Collected {
    http::Headers* headers;
    bool failed = false;
};

MHD_Result collect(void* context, MHD_ValueKind, const char* name, std::size_t name_size, const char* value,
                   std::size_t value_size) noexcept {
    auto& collected = *static_cast<Collected*>(context);
    try {
        collected.headers->push_back({std::string(name, name_size), std::string(value ? value : "", value_size)});
        return MHD_YES;
    } catch (...) {
        collected.failed = true;
        return MHD_NO;
    }
}

// RFC 9112 section 3.2.2: a proxy's absolute form means the same resource.
std::string_view origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.size() < scheme.size() || !http::same_name(target.substr(0, scheme.size()), scheme)) continue;
        const std::size_t path = target.find_first_of("/?", scheme.size());
        return path == std::string_view::npos ? "/" : target.substr(path);
    }
    return target;
}

bool is_token(std::string_view name) {
    static constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return (c < 128 && std::isalnum(c)) || others.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

std::size_t count(const http::Headers& headers, std::string_view name) {
    return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(), [=](const http::Header& header) {
        return http::same_name(header.name, name);
    }));
}

// What two readers of one stream of requests could understand differently is refused (request smuggling).
void check_framing(const http::Headers& headers) {
    const std::size_t lengths = count(headers, "Content-Length");
    const std::size_t codings = count(headers, "Transfer-Encoding");
    if (lengths > 1) refuse(400, "The request has more than one Content-Length");
    if (lengths > 0 && codings > 0) refuse(400, "The request has both Content-Length and Transfer-Encoding");
    if (codings > 1) refuse(400, "The request has more than one Transfer-Encoding");
    const auto coding = http::find_header(headers, "Transfer-Encoding");
    if (coding && !http::same_name(*coding, "chunked"))
        refuse(400, "The only transfer coding that is understood is chunked");
}

void set_request_line(char* to, std::size_t size, const http::Request& request) {
    const std::string line = request.method + " " + request.path;
    const std::size_t length = std::min(size - 1, line.size());
    std::memcpy(to, line.data(), length);
    to[length] = '\0';
}

std::optional<std::uint64_t> declared_length(const http::Headers& headers) {
    const auto text = http::find_header(headers, "Content-Length");
    if (!text) return {};
    return std::strtoull(std::string(*text).c_str(), nullptr, 10);  // digits: libmicrohttpd has checked
}

bool waits_for_continue(const http::Headers& headers) {
    const auto expectation = http::find_header(headers, "Expect");
    return expectation && http::same_name(*expectation, "100-continue");
}

}  // namespace

void Server::read_head(Exchange& exchange, const char* method) {
    http::Request& request = exchange.request;
    request.method = method;
    exchange.is_head = request.method == "HEAD";
    const std::string_view target = origin_form(exchange.target);
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    request.headers.reserve(16);
    Collected collected{&request.headers};
    MHD_get_connection_values_n(exchange.connection, MHD_HEADER_KIND, collect, &collected);
    if (collected.failed) throw std::bad_alloc();
    exchange.head_bytes = exchange.target.size();
    for (const http::Header& header : request.headers)
        exchange.head_bytes += header.name.size() + header.value.size() + cost_of_header;
}

void Server::check_head(const Exchange& exchange) const {
    if (exchange.target.size() > longest_target) refuse(414, "The request target is too long");
    for (const http::Header& header : exchange.request.headers) {
        if (!is_token(header.name)) refuse(400, "The request has a malformed header name");
    }
    if (exchange.head_bytes > largest_head) refuse(431, "The head of the request is too large");
    check_framing(exchange.request.headers);
}

bool Server::expects_body(const Exchange& exchange) const {
    if (http::find_header(exchange.request.headers, "Transfer-Encoding")) return true;
    return declared_length(exchange.request.headers).value_or(0) > 0;
}

// ---------------------------------------------------------------- admission
void Server::admit(Exchange& exchange) {
    if (!exchange.config) {
        if (const auto error = lack_of_executors()) throw http::Failure(*error);
        http::fail("PGRST002", "The settings of the server cannot be served; its log says why");
    }
    if (connections_ > most_connections_) {
        exchange.close = true;
        refuse(503, "The server has too many connections");
    }
    auto outcome = http::admit(exchange.request, *exchange.config, cache_, std::time(nullptr));
    if (auto* response = std::get_if<http::Response>(&outcome))
        exchange.settled = std::move(*response);
    else
        exchange.identity = std::move(std::get<http::Admitted>(outcome).identity);
}

Said Server::begin(Exchange& exchange, const char* method) {
    fresh_clients_.remove(*exchange.client);
    resting_clients_.remove(*exchange.client);
    exchange.stage = Stage::Receiving;
    if (pool::shared()->readiness == pool::Readiness::Serving) exchange.config = pool::current_config();
    try {
        read_head(exchange, method);
        exchange.close = true;  // should it be malformed, what follows cannot be trusted
        check_head(exchange);
        exchange.close = false;
        admit(exchange);
    } catch (const http::Failure& failure) {
        answer_instead(exchange, failure.error());
    }
    if (!expects_body(exchange)) {
        if (exchange.settled) exchange.stage = Stage::Settled;
        return Said::Continue;
    }
    const std::uint64_t length = declared_length(exchange.request.headers).value_or(0);
    const std::int64_t most = exchange.config ? exchange.config->max_body_size : -1;
    if (!exchange.settled && most >= 0 && length > static_cast<std::uint64_t>(most))
        answer_instead(exchange, error_of_http(413, "The body of the request is too large"));
    if (!exchange.settled) return Said::Continue;
    exchange.stage = Stage::Discarding;
    // answered before the body, the connection ends
    const bool at_once = exchange.close || length > discard_limit || waits_for_continue(exchange.request.headers);
    if (!at_once) return Said::Continue;
    exchange.close = true;
    return send_settled(exchange);
}

// ---------------------------------------------------------------- body
// libmicrohttpd cannot answer while it reads a body. So that the client stops, it gets the answer past it.
void Server::send_at_once(Exchange& exchange) {
    http::Response& response = *exchange.settled;
    exchange.close = true;
    complete_headers(exchange, response.headers);
    const char* reason = MHD_get_reason_phrase_for(static_cast<unsigned>(response.status));
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " " + (reason ? reason : "Error") + "\r\n";
    for (const http::Header& header : response.headers)
        text += header.name + ": " + header.value + "\r\n";
    text += "Content-Length: " + std::to_string(response.body.size()) + "\r\nConnection: close\r\n\r\n" + response.body;
    send(exchange.client->descriptor, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    exchange.sent_at_once = true;
}

void Server::refuse_body(Exchange& exchange, const http::Error& error, bool at_once) {
    exchange.upload.clear();
    answer_instead(exchange, error);
    exchange.stage = Stage::Discarding;
    if (at_once) send_at_once(exchange);
}

Said Server::take_body(Exchange& exchange, const char* data, std::size_t size) {
    if (exchange.stage == Stage::Receiving) {
        const std::int64_t most = exchange.config->max_body_size;
        const bool of_known_length = declared_length(exchange.request.headers).has_value();
        if (most >= 0 && exchange.upload.size() + size > static_cast<std::uint64_t>(most))
            refuse_body(exchange, error_of_http(413, "The body of the request is too large"), true);
        else if (!exchange.upload.append(data, size))
            refuse_body(exchange, out_of_memory(), !of_known_length);
        else
            return Said::Continue;
    }
    exchange.discarded += size;
    const std::uint64_t length = declared_length(exchange.request.headers).value_or(0);
    return exchange.discarded > std::max(discard_limit, length) ? Said::Close : Said::Continue;
}

// ---------------------------------------------------------------- to the executors
void Server::submit(Exchange& exchange) {
    if (const auto error = lack_of_executors()) {
        answer_instead(exchange, *error);
        return;
    }
    wait(exchange);
    // those that wait for a slot already come first
    if (!without_job_.empty() || !give_to_executors(exchange)) without_job_.append(exchange);
}

// False when the job table is full.
bool Server::give_to_executors(Exchange& exchange) {
    const int job = pool::hold_job(index_);
    if (job == pool::nothing) return false;
    const std::string head = http::wire::encode_request(exchange.request, exchange.identity);
    if (!exchange.upload.hand_over(job, head)) {
        pool::release_job(job);
        answer_instead(exchange, out_of_memory());
        resume(exchange);
        return true;
    }
    pool::Job& slot = pool::shared()->jobs[job];
    set_request_line(slot.request_line, sizeof slot.request_line, exchange.request);
    exchange.job = job;
    by_job_[static_cast<std::size_t>(job)] = &exchange;
    exchange.reader.begin(slot);
    pool::submit_job(job);
    return true;
}

void Server::wait(Exchange& exchange) {
    exchange.stage = Stage::Waiting;
    suspend(exchange);
    waiting_.append(exchange);
}

void Server::stop_waiting(Exchange& exchange) {
    waiting_.remove(exchange);
    without_job_.remove(exchange);
}

void Server::retry_without_job() {
    while (Exchange* exchange = without_job_.front()) {
        if (!give_to_executors(*exchange)) return;
        without_job_.remove(*exchange);
    }
}

// ---------------------------------------------------------------- what libmicrohttpd says
Said Server::on_request(Exchange& exchange, const char* method, const char* data, std::size_t* size) {
    if (exchange.stage == Stage::Fresh) return begin(exchange, method);
    if (*size > 0) {
        const Said said = take_body(exchange, data, *size);
        *size = 0;
        return said;
    }
    if (exchange.stage == Stage::Receiving) submit(exchange);
    switch (exchange.stage) {
        case Stage::Waiting:
            return Said::Continue;
        case Stage::Discarding:
            return exchange.sent_at_once ? Said::Close : send_settled(exchange);
        case Stage::Settled:
            return send_settled(exchange);
        case Stage::Answering:
            return send_answer(exchange);
        default:
            return Said::Close;
    }
}

}  // namespace pgrest::listener

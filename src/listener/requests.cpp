// From a request's first bytes to its place in the job table.
#include <microhttpd.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <variant>

#include "http/admission.h"
#include "http/error.h"
#include "http/head.h"
#include "http/log_text.h"
#include "ipc/jobs.h"
#include "listener/server.h"
#include "pool/snapshot.h"

namespace pgrest::listener {

namespace {

// Of a body that is refused this much is read all the same, so that the client gets to see the answer.
constexpr std::uint64_t discard_limit = 8 * 1024 * 1024;

constexpr std::size_t around_a_header = 4;  // colon, blank, end of line

// What libmicrohttpd adds to a header in its memory.
constexpr std::size_t cost_of_header = 64;

http::Error gives_way() {
    return http::from_database(
        {"53200", "The server is out of memory for request bodies, and this one came more slowly than others", {}, {}},
        true);
}

http::Error out_of_memory() {
    return http::from_database({"53200", "The server is out of memory for request bodies", {}, {}}, true);
}

// ---------------------------------------------------------------- head
struct Collected {
    http::Headers* headers;
    http::HeadLayout* layout;
    bool failed = false;
};

// White space after a value does not belong to it, RFC 9112 section 5. But libmicrohttpd does not know chunks with a
// blank behind them, so this one is judged as it takes it.
std::string_view value_of(std::string_view name, std::string_view value) {
    if (http::same_name(name, "Transfer-Encoding")) return value;
    const std::size_t last = value.find_last_not_of(" \t");
    return value.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

MHD_Result collect(void* context, MHD_ValueKind, const char* name_text, std::size_t name_size, const char* value_text,
                   std::size_t value_size) noexcept {
    if (name_text == cookie_for_daemon) return MHD_YES;
    auto& collected = *static_cast<Collected*>(context);
    const std::string_view name(name_text, name_size);
    const std::string_view value = value_text ? std::string_view(value_text, value_size) : std::string_view();
    collected.layout->add(name, value);
    try {
        collected.headers->push_back({std::string(name), std::string(value_of(name, value))});
        return MHD_YES;
    } catch (...) {
        collected.failed = true;
        return MHD_NO;
    }
}

void set_request_line(char* to, std::size_t size, const http::Request& request) {
    const std::string line = http::request_line(request);
    const std::size_t length = std::min(size - 1, line.size());
    std::memcpy(to, line.data(), length);
    to[length] = '\0';
}

std::optional<std::uint64_t> declared_length(const http::Headers& headers) {
    const auto text = http::find_header(headers, "Content-Length");
    if (!text) return {};
    return std::strtoull(std::string(*text).c_str(), nullptr, 10);  // digits: libmicrohttpd has checked
}

// What is left of the body is known, and little enough to be thrown away.
bool ends_soon(const Exchange& exchange) {
    const auto length = declared_length(exchange.request.headers);
    return length && *length - exchange.received <= discard_limit;
}

// As libmicrohttpd takes it.
bool is_length(const char* text) {
    if (*text == '\0' || std::strspn(text, "0123456789") != std::strlen(text)) return false;
    errno = 0;
    std::strtoull(text, nullptr, 10);
    return errno == 0;
}

// No executor has begun it.
bool has_unread_body(const Exchange& exchange) {
    return exchange.stage == Stage::Waiting && exchange.job != ipc::nothing &&
           ipc::shared()->jobs[exchange.job].request_chunks != ipc::nothing;
}

bool waits_for_continue(const http::Headers& headers) {
    const auto expectation = http::find_header(headers, "Expect");
    return expectation && http::same_name(*expectation, "100-continue");
}

}  // namespace

void Server::read_head(Exchange& exchange, const char* method, const char* version) {
    http::Request& request = exchange.request;
    request.method = method;
    exchange.is_head = request.method == "HEAD";
    const std::string_view target = http::origin_form(exchange.target);
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (request.path.empty()) request.path = "/";
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    request.headers.reserve(16);
    http::HeadLayout layout(method, {exchange.target_at, exchange.target.size()}, version);
    Collected collected{&request.headers, &layout};
    MHD_get_connection_values_n(exchange.connection, MHD_HEADER_KIND, collect, &collected);
    if (collected.failed) throw std::bad_alloc();
    exchange.head_bytes = request.method.size() + exchange.target.size();
    for (const http::Header& header : request.headers)
        exchange.head_bytes += header.name.size() + header.value.size() + around_a_header;
    exchange.head_memory = exchange.head_bytes + cost_of_header * request.headers.size();
    const auto* info = MHD_get_connection_info(exchange.connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (parses_in_place_) exchange.seamless = info && layout.is_seamless(info->header_size);
}

void Server::check_head(const Exchange& exchange, const char* version) const {
    if (exchange.target.size() > longest_target) http::fail("PGRST414", "The request target is too long");
    if (exchange.head_bytes > largest_head || exchange.head_memory > largest_head_memory)
        http::fail("PGRST431", "The head of the request is too large");
    if (!exchange.seamless)
        http::fail("PGRST400",
                   "The head of the request holds a folded line, a zero byte, or a line that does not end "
                   "with carriage return and line feed");
    http::require_sound({exchange.request.method, exchange.target, version, exchange.request.headers});
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
    auto outcome = http::admit(exchange.request, *exchange.config, cache_, std::time(nullptr));
    if (auto* response = std::get_if<http::Response>(&outcome))
        exchange.settled = std::move(*response);
    else
        exchange.identity = std::move(std::get<http::Admitted>(outcome).identity);
}

Said Server::begin(Exchange& exchange, const char* method, const char* version) {
    fresh_clients_.remove(*exchange.client);
    resting_clients_.remove(*exchange.client);
    exchange.stage = Stage::Receiving;
    if (ipc::shared()->readiness == ipc::Readiness::Serving) exchange.config = pool::current_config();
    try {
        read_head(exchange, method, version);
        exchange.close = true;  // should it be malformed, what follows cannot be trusted
        check_head(exchange, version);
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
        answer_instead(exchange, http::own_error("PGRST413", "The body of the request is too large"));
    if (!exchange.settled) {
        expect_body(exchange);
        return Said::Continue;
    }
    exchange.stage = Stage::Discarding;
    // answered before the body, the connection ends
    const bool at_once = exchange.close || length > discard_limit || waits_for_continue(exchange.request.headers);
    if (!at_once) {
        expect_body(exchange);
        return Said::Continue;
    }
    exchange.close = true;
    exchange.client->answered_early = true;
    return send_settled(exchange);
}

// ---------------------------------------------------------------- body
// libmicrohttpd cannot answer while it reads a body. So that the client stops, it gets the answer past it.
void Server::send_at_once(Exchange& exchange) {
    http::Response& response = *exchange.settled;
    exchange.close = true;
    complete_headers(exchange, response.headers);
    const std::string text = text_of(response, exchange.is_head);
    send(exchange.client->descriptor, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    exchange.sent_at_once = true;
    exchange.client->answered_early = true;
}

void Server::refuse_body(Exchange& exchange, const http::Error& error, bool at_once) {
    exchange.upload.clear();
    answer_instead(exchange, error);
    exchange.stage = Stage::Discarding;
    if (at_once) send_at_once(exchange);
}

// A client is not to hold memory by sending a little now and then: the more it holds, the more has to come. At a
// constant pace it has 16 times body_timeout for a body of any size.
void Server::expect_body(Exchange& exchange) {
    if (exchange.received == 0) exchange.pace.begin(now_milliseconds());
    exchange.next_step = exchange.received + std::max(least_progress, exchange.received / 16);
    exchange.moved = now_milliseconds();
    receiving_.remove(exchange);
    receiving_.append(exchange);
}

Said Server::take_body(Exchange& exchange, const char* data, std::size_t size) {
    exchange.received += size;
    if (exchange.received >= exchange.next_step) expect_body(exchange);
    exchange.pace.note(exchange.received, now_milliseconds());
    if (exchange.stage == Stage::Receiving) {
        const std::int64_t most = exchange.config->max_body_size;
        if (most >= 0 && exchange.upload.size() + size > static_cast<std::uint64_t>(most))
            refuse_body(exchange, http::own_error("PGRST413", "The body of the request is too large"), true);
        else if (keep_body(exchange, data, size))
            return Said::Continue;
    }
    return discard(exchange, size);
}

// False when it was refused for want of memory.
bool Server::keep_body(Exchange& exchange, const char* data, std::size_t size) {
    for (std::size_t kept = exchange.upload.append(data, size); kept < size;
         kept += exchange.upload.append(data + kept, size - kept)) {
        Exchange* const slowest = slowest_upload(&exchange);
        if (slowest && slowest != &exchange) {
            end_upload(*slowest);
            continue;
        }
        // nobody can end who holds more than this one's sure share
        if (!slowest && exchange.upload.append_beyond(data + kept, size - kept)) return true;
        refuse_body(exchange, slowest ? gives_way() : out_of_memory(), !ends_soon(exchange));
        return false;
    }
    return true;
}

// Of those that give way. asking: it wants to hold more.
Exchange* Server::slowest_upload(const Exchange* asking) const {
    const std::int64_t now = now_milliseconds();
    std::vector<Exchange*> uploads;
    std::vector<Holder> holders;
    for (Exchange* one = alive_.front(); one; one = decltype(alive_)::after(*one)) {
        const bool incomplete = one->stage == Stage::Receiving && (one == asking || one->upload.holds_chunks());
        if (!incomplete && !has_unread_body(*one)) continue;
        uploads.push_back(one);
        holders.push_back(
            {one->client->peer, one->received, one->pace.bytes_per_second(one->received, now), !incomplete});
    }
    const std::optional<std::size_t> place = who_gives_way(holders);
    return place ? uploads[*place] : nullptr;
}

// Its client may not be sending at all, so it is told at once that nothing more comes.
void Server::end_upload(Exchange& exchange) {
    refuse_body(exchange, gives_way(), /* at_once */ true);
    shutdown(exchange.client->descriptor, SHUT_WR);
}

void Server::give_way_if_asked() {
    if (!ipc::shared()->listeners[index_].gives_way.exchange(false)) return;
    if (Exchange* const slowest = slowest_upload(nullptr)) end_upload(*slowest);
}

// A client that goes on sending is answered in the middle.
Said Server::discard(Exchange& exchange, std::size_t size) {
    if (exchange.sent_at_once) return Said::Close;
    exchange.discarded += size;
    if (exchange.discarded <= discard_limit) return Said::Continue;
    send_at_once(exchange);
    return Said::Close;
}

// ---------------------------------------------------------------- a Content-Length that is none
// libmicrohttpd refuses it, but sends the head of its answer twice. It says so before it answers, and does not say of
// which connection; but it knows the headers already. What it sends after this finds the socket closed.
void Server::on_bad_length() {
    for (Exchange* exchange = alive_.front(); exchange; exchange = decltype(alive_)::after(*exchange)) {
        if (exchange->stage != Stage::Fresh || exchange->sent_at_once) continue;
        const char* const length =
            MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
        if (!length || is_length(length)) continue;
        const bool number = *length != '\0' && std::strspn(length, "0123456789") == std::strlen(length);
        exchange->settled =
            http::to_response(number ? http::own_error("PGRST413", "The body of the request is too large")
                                     : http::own_error("PGRST400", "The request has a malformed Content-Length"),
                              false);
        send_at_once(*exchange);
        shutdown(exchange->client->descriptor, SHUT_WR);
    }
}

// ---------------------------------------------------------------- to the executors
void Server::submit(Exchange& exchange) {
    if (stopping_) return answer_instead(exchange, server_stops());
    if (const auto error = lack_of_executors()) {
        answer_instead(exchange, *error);
        return;
    }
    wait(exchange);
    // those that wait for a slot already come first
    if (!without_job_.empty() || !give_to_executors(exchange)) without_job_.append(exchange);
}

// A large head takes memory too, though little: it does not wait until slow uploads are over.
bool Server::hand_over(Exchange& exchange, int job, std::string_view head) {
    if (exchange.upload.hand_over(job, head, /* beyond */ false)) return true;
    if (Exchange* const slowest = slowest_upload(nullptr)) end_upload(*slowest);
    return exchange.upload.hand_over(job, head, /* beyond */ true);
}

// False when the job table is full.
bool Server::give_to_executors(Exchange& exchange) {
    const int job = ipc::hold_job(index_);
    if (job == ipc::nothing) return false;
    exchange.job = job;  // from here on it is let go of with the exchange, should there be no memory for the rest
    const std::string head = http::wire::encode_request(exchange.request, exchange.identity);
    if (!hand_over(exchange, job, head)) {
        let_go(exchange);
        answer_instead(exchange, out_of_memory());
        resume(exchange);
        return true;
    }
    ipc::Job& slot = ipc::shared()->jobs[job];
    set_request_line(slot.request_line, sizeof slot.request_line, exchange.request);
    slot.ends_with_client = ends_with_its_client(exchange);
    by_job_[static_cast<std::size_t>(job)] = &exchange;
    exchange.reader.begin(job);
    ipc::submit_job(job);
    return true;
}

void Server::wait(Exchange& exchange) {
    exchange.stage = Stage::Waiting;
    suspend(exchange);
    waiting_.append(exchange);
}

// For an executor that has run nothing yet.
void Server::wait_again(Exchange& exchange) {
    if (exchange.waiting.listed || !ipc::shared()->jobs[exchange.job].wants_fresh) return;
    exchange.since = now_milliseconds();
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
Said Server::on_request(Exchange& exchange, const char* method, const char* version, const char* data,
                        std::size_t* size) {
    if (exchange.stage == Stage::Fresh) return begin(exchange, method, version);
    if (*size > 0) {
        const Said said = take_body(exchange, data, *size);
        *size = 0;
        return said;
    }
    receiving_.remove(exchange);
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

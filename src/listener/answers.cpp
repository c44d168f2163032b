// From an executor's bytes, or an answer made here, to a response of libmicrohttpd.
#include <microhttpd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "http/admission.h"
#include "http/error.h"
#include "ipc/jobs.h"
#include "listener/callbacks.h"
#include "listener/log.h"
#include "listener/server.h"
#include "version.h"

namespace pgrest::listener {

namespace {

constexpr const char* server_name = "pgrest/1.0";

// Of the connection's memory: status line, Date, and what is allocated beside the heads.
constexpr std::size_t spare_memory = 4 * 1024;

// A complete answer up to this size is copied, and its slot in the job table is free at once.
constexpr std::uint64_t largest_copy = 256 * 1024;

// RFC 9110 section 5.6.7.
std::string date_text() {
    constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    if (!gmtime_r(&now, &parts)) return "Thu, 01 Jan 1970 00:00:00 GMT";
    char text[64];
    std::snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
                  months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return text;
}

bool belongs_to_connection(std::string_view name) {
    return http::same_name(name, "Content-Length") || http::same_name(name, "Transfer-Encoding") ||
           http::same_name(name, "Connection") || http::same_name(name, "Keep-Alive");
}

std::size_t size_of(const http::Headers& headers) {
    std::size_t size = 0;
    for (const http::Header& header : headers)
        size += header.name.size() + header.value.size() + 4;
    return size;
}

void remove_header(http::Headers& headers, std::string_view name) {
    std::erase_if(headers, [=](const http::Header& header) { return http::same_name(header.name, name); });
}

// Heads of request and answer share the memory of the connection.
std::size_t room_for_headers(const Exchange& exchange) {
    const std::size_t taken = exchange.head_memory + spare_memory;
    return taken < connection_memory ? connection_memory - taken : 0;
}

// What an answer can do without goes first.
bool make_fit(http::Headers& headers, std::size_t room) {
    for (const char* name : {"Content-Location", "Location"}) {
        if (size_of(headers) > room) remove_header(headers, name);
    }
    return size_of(headers) <= room;
}

// Of an error, which stays what it is.
void keep_least(http::Headers& headers, std::size_t room) {
    std::erase_if(headers, [](const http::Header& header) {
        return !http::same_name(header.name, "Content-Type") && !http::same_name(header.name, "Proxy-Status");
    });
    if (size_of(headers) > room) headers.clear();
}

// SQL can ask for what cannot be sent.
std::optional<http::Error> fault_of(int status, bool fits) {
    if (status == http::wire::headers_too_large || (!fits && status < 400))
        return http::own_error("PGRST111", "The headers of the answer are too large");
    if (status < 200 || status > 999)
        return http::own_error("PGRST112", "The status of the answer is not between 200 and 999");
    return {};
}

MHD_Response* empty_response() {
    return MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT);
}

MHD_Response* response_of(const std::string& body) {
    return MHD_create_response_from_buffer(body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_MUST_COPY);
}

// libmicrohttpd would send the end of a chunked body all the same.
bool has_no_body(const Exchange& exchange, int status) {
    return exchange.is_head || status == MHD_HTTP_NOT_MODIFIED || status == MHD_HTTP_RESET_CONTENT;
}

// HEAD: libmicrohttpd sends the length, when there is one, and asks for no data. Without a length it would send the end
// of a chunked body, so that connection has to end.
MHD_Response* response_to_head(std::optional<std::uint64_t> length) {
    MHD_Response* response =
        MHD_create_response_from_callback(length.value_or(MHD_SIZE_UNKNOWN), 1024, no_data, nullptr, nullptr);
    if (response && !length) MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

// What is no answer to HEAD has no body for the sake of its status.
MHD_Response* bare_response(int status, std::optional<std::uint64_t> length) {
    return status == MHD_HTTP_RESET_CONTENT ? empty_response() : response_to_head(length);
}

}  // namespace

// ---------------------------------------------------------------- past libmicrohttpd
std::string text_of(const http::Response& response, bool is_head) {
    const char* reason = MHD_get_reason_phrase_for(static_cast<unsigned>(response.status));
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " " + (reason ? reason : "Error") + "\r\n";
    for (const http::Header& header : response.headers)
        text += header.name + ": " + header.value + "\r\n";
    if (!http::find_header(response.headers, "Server")) text += std::string("Server: ") + server_name + "\r\n";
    text += "Date: " + date_text() + "\r\nContent-Length: " + std::to_string(response.body.size()) +
            "\r\nConnection: close\r\n\r\n";
    return is_head ? text : text + response.body;
}

// ---------------------------------------------------------------- news of executors
void Server::hear_news() {
    const int count = ipc::collect_news(index_, news_.data());
    for (int i = 0; i < count; ++i) {
        if (Exchange* exchange = by_job_[static_cast<std::size_t>(news_[i])]) hear(*exchange);
    }
    if (!without_job_.empty()) retry_without_job();
}

void Server::hear(Exchange& exchange) {
    if (exchange.stage == Stage::Waiting) {
        if (!head_has_come(exchange)) return wait_again(exchange);
        stop_waiting(exchange);
        begin_answer(exchange);
        resume(exchange);
        return;
    }
    if (exchange.paused_for_data) resume(exchange);
}

bool Server::head_has_come(Exchange& exchange) const {
    // in this order: what was produced before the end is seen when the end is
    const bool ended = exchange.reader.end() != ipc::StreamEnd::Open;
    if (!exchange.head_size && exchange.reader.available() >= sizeof(std::uint64_t)) {
        std::uint64_t size = 0;
        exchange.reader.read_some(reinterpret_cast<char*>(&size), sizeof size);
        exchange.head_size = size;
    }
    return ended || (exchange.head_size && exchange.reader.available() >= *exchange.head_size);
}

// Nothing has been sent yet, so an executor's failure can still be told.
void Server::begin_answer(Exchange& exchange) {
    if (exchange.reader.end() == ipc::StreamEnd::Broken || !exchange.head_size) {
        // a write was committed before its answer began: an error would be untrue
        const bool told_too_late = exchange.head_size && !is_read(exchange);
        if (told_too_late)
            exchange.stage = Stage::Gone;
        else
            answer_instead(exchange, failure_of(exchange));
        let_go(exchange);
        return;
    }
    std::string bytes(*exchange.head_size, '\0');
    exchange.reader.read_some(bytes.data(), bytes.size());
    exchange.head = http::wire::decode_answer_head(bytes);
    exchange.stage = Stage::Answering;
}

http::Error Server::failure_of(const Exchange& exchange) const {
    const ipc::Job& job = ipc::shared()->jobs[exchange.job];
    if (job.failure_sqlstate[0] == '\0')
        return http::own_error("PGRST001", "The executor of this request ended before it had answered");
    const auto optional = [](const char* text) {
        return *text == '\0' ? std::nullopt : std::optional<std::string>(text);
    };
    return http::from_database(
        {job.failure_sqlstate, job.failure_message, optional(job.failure_detail), optional(job.failure_hint)},
        exchange.identity.authenticated);
}

// Of an answer that was not sent. Also tells the executor that nobody waits for the rest of it.
void Server::let_go(Exchange& exchange) {
    if (exchange.job == ipc::nothing) return;
    by_job_[static_cast<std::size_t>(exchange.job)] = nullptr;
    ipc::release_job(exchange.job);
    exchange.job = ipc::nothing;
}

void Server::answer_instead(Exchange& exchange, const http::Error& error) {
    log_failure(exchange.request, error);
    const bool minimal = exchange.config && exchange.config->verbosity == config::Verbosity::Minimal;
    exchange.settled = http::to_response(error, minimal);
    exchange.stage = Stage::Settled;
    stop_waiting(exchange);
}

// ---------------------------------------------------------------- suspending
void Server::suspend(Exchange& exchange) {
    if (exchange.suspended) return;
    exchange.suspended = true;
    exchange.since = now_milliseconds();
    MHD_suspend_connection(exchange.connection);
    recent_.append(exchange);
}

void Server::resume(Exchange& exchange) {
    recent_.remove(exchange);
    if (!exchange.suspended) return;
    exchange.suspended = false;
    exchange.paused_for_data = false;
    resumed_ = true;
    MHD_resume_connection(exchange.connection);
}

// ---------------------------------------------------------------- responses
void Server::complete_headers(const Exchange& exchange, http::Headers& headers) const {
    if (exchange.config) {
        http::add_cors_headers(exchange.request, *exchange.config, headers);
        const std::string& trace = exchange.config->trace_header;
        if (!trace.empty())
            http::set_header(headers, trace, http::find_header(exchange.request.headers, trace).value_or(""));
    }
    if (!http::find_header(headers, "Server")) http::set_header(headers, "Server", server_name);
}

void Server::add_headers(Exchange& exchange, MHD_Response* response, const http::Headers& headers) const {
    for (const http::Header& header : headers) {
        if (belongs_to_connection(header.name)) continue;
        // it refuses an empty value
        MHD_add_response_header(response, header.name.c_str(), header.value.empty() ? " " : header.value.c_str());
    }
    if (exchange.close || shutting_down_) MHD_add_response_header(response, "Connection", "close");
}

Said Server::queue(Exchange& exchange, int status, MHD_Response* response, const http::Headers& headers) {
    if (!response) return Said::Close;
    http::Headers all = headers;
    complete_headers(exchange, all);
    const std::size_t room = room_for_headers(exchange);
    const bool fits = make_fit(all, room);
    const std::optional<http::Error> fault = fault_of(status, fits);
    const bool at_once = !fits && exchange.settled;
    if (fault || at_once) {
        MHD_destroy_response(response);
        return at_once ? send_and_close(exchange) : send_instead(exchange, *fault);
    }
    if (!fits) keep_least(all, room);
    expect_progress(exchange);
    add_headers(exchange, response, all);
    const MHD_Result queued = MHD_queue_response(exchange.connection, static_cast<unsigned>(status), response);
    MHD_destroy_response(response);
    count_answer();
    return queued == MHD_YES ? Said::Continue : Said::Close;
}

void Server::count_answer() const {
    ipc::shared()->listeners[index_].requests.fetch_add(1, std::memory_order_relaxed);
}

Said Server::send_and_close(Exchange& exchange) {
    send_at_once(exchange);
    count_answer();
    return Said::Close;
}

Said Server::send_instead(Exchange& exchange, const http::Error& error) {
    let_go(exchange);
    answer_instead(exchange, error);
    return send_settled(exchange);
}

Said Server::send_settled(Exchange& exchange) {
    const http::Response& settled = *exchange.settled;
    MHD_Response* response = nullptr;
    const auto length = settled.has_body ? std::optional<std::uint64_t>(settled.body.size()) : std::nullopt;
    if (has_no_body(exchange, settled.status))
        response = bare_response(settled.status, length);
    else
        response = response_of(settled.body);
    return queue(exchange, settled.status, response, settled.headers);
}

MHD_Response* Server::whole_answer(Exchange& exchange) {
    const std::size_t size = static_cast<std::size_t>(exchange.reader.available());
    if (size == 0) return empty_response();
    auto* copy = static_cast<char*>(std::malloc(size));
    if (!copy) return nullptr;
    exchange.reader.read_some(copy, size);
    MHD_Response* response = MHD_create_response_from_buffer(size, copy, MHD_RESPMEM_MUST_FREE);
    if (!response) std::free(copy);
    return response;
}

MHD_Response* Server::streamed_answer(Exchange& exchange) {
    constexpr std::size_t block = 64 * 1024;
    const std::uint64_t length = exchange.head.content_length.value_or(MHD_SIZE_UNKNOWN);
    return MHD_create_response_from_callback(length, block, next_data, &exchange, nullptr);
}

Said Server::send_answer(Exchange& exchange) {
    const http::wire::AnswerHead head = exchange.head;
    const bool complete = exchange.reader.end() == ipc::StreamEnd::Complete;
    const std::uint64_t here = exchange.reader.available();
    const bool bare = has_no_body(exchange, head.status);
    if (bare || (complete && here <= largest_copy)) {
        const bool broken = !bare && head.content_length && *head.content_length != here;
        MHD_Response* response = nullptr;
        if (!broken) response = bare ? bare_response(head.status, head.content_length) : whole_answer(exchange);
        let_go(exchange);
        return queue(exchange, head.status, response, head.headers);
    }
    return queue(exchange, head.status, streamed_answer(exchange), head.headers);
}

long Server::on_wants_data(Exchange& exchange, char* to, std::size_t most) {
    if (exchange.job == ipc::nothing) return MHD_CONTENT_READER_END_WITH_ERROR;
    // in this order: what was produced before the end is seen when the end is
    const ipc::StreamEnd end = exchange.reader.end();
    const std::size_t taken = exchange.reader.read_some(to, most);
    if (taken > 0) {
        exchange.given += taken;
        return static_cast<long>(taken);
    }
    if (end == ipc::StreamEnd::Complete) return MHD_CONTENT_READER_END_OF_STREAM;
    if (end == ipc::StreamEnd::Broken || stopping_) return MHD_CONTENT_READER_END_WITH_ERROR;
    exchange.paused_for_data = true;
    suspend(exchange);
    return 0;
}

}  // namespace pgrest::listener

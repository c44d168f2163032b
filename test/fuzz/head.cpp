// Heads of requests through libmicrohttpd itself: what it takes and we do not refuse must be written as RFC 9112 says,
// byte by byte. So http::HeadLayout is tested with the library that it speaks of.
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "http/error.h"
#include "http/head.h"

using namespace pgrest;

namespace {

struct Seen {
    std::string target;
    const char* target_at = nullptr;
    std::optional<std::size_t> accepted;  // bytes of the head
    bool done = false;
};

Seen seen;

void* note_target(void*, const char* target, MHD_Connection*) {
    seen.target = target;
    seen.target_at = target;
    return nullptr;
}

struct Collected {
    http::Headers headers;
    http::HeadLayout layout;
};

MHD_Result collect(void* context, MHD_ValueKind, const char* name, std::size_t name_size, const char* value,
                   std::size_t value_size) {
    auto& collected = *static_cast<Collected*>(context);
    collected.layout.add({name, name_size}, {value, value_size});
    collected.headers.push_back({std::string(name, name_size), std::string(value, value_size)});
    return MHD_YES;
}

bool is_sound(const http::Head& head) {
    try {
        http::require_sound(head);
        return true;
    } catch (const http::Failure&) {
        return false;
    }
}

// Looks at the first head of a connection and ends it.
MHD_Result look(void*, MHD_Connection* connection, const char*, const char* method, const char* version, const char*,
                std::size_t*, void**) {
    if (seen.done) return MHD_NO;
    seen.done = true;
    Collected collected{{}, http::HeadLayout(method, {seen.target_at, seen.target.size()}, version)};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect, &collected);
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (!collected.layout.is_seamless(info->header_size)) return MHD_NO;
    if (is_sound({method, seen.target, version, collected.headers})) seen.accepted = info->header_size;
    return MHD_NO;
}

// ---------------------------------------------------------------- the grammar, in the plainest words
[[noreturn]] void fail(const char* what, std::string_view line) {
    std::fprintf(stderr, "accepted, but %s: %.*s\n", what, static_cast<int>(line.size()), line.data());
    std::abort();
}

void require(bool holds, const char* what, std::string_view line) {
    if (!holds) fail(what, line);
}

void check_request_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    require(first != std::string_view::npos && first != last, "there are not two spaces", line);
    require(http::is_token(line.substr(0, first)), "the method is no token", line);
    require(line.find(' ', first + 1) == last, "there are more than two spaces", line);
    for (const char c : line)
        require(c >= ' ' || c < 0, "there is a control character", line);
}

void check_field_line(std::string_view line) {
    const std::size_t colon = line.find(':');
    require(colon != std::string_view::npos, "there is no colon", line);
    require(http::is_token(line.substr(0, colon)), "the name is no token", line);
    for (const char c : line)
        require(c >= ' ' || c < 0 || c == '\t', "there is a control character", line);
}

void check_grammar(std::string_view head) {
    bool first = true;
    while (true) {
        const std::size_t end = head.find("\r\n");
        require(end != std::string_view::npos, "a line does not end with CRLF", head);
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(end + 2);
        if (line.empty()) break;
        first ? check_request_line(line) : check_field_line(line);
        first = false;
    }
    require(!first && head.empty(), "the empty line is not the end", head);
}

// What cannot be seen (http/head.h) is taken for what it looks like.
std::string as_it_looks(std::string head) {
    if (head.ends_with('\n')) head.replace(head.size() - 4, 4, "\r\n\r\n");
    for (std::size_t at = 0; (at = head.find(std::string("\0\n", 2), at)) != std::string::npos;)
        head[at] = '\r';
    return head;
}

// Before a head libmicrohttpd skips empty lines, and takes a line that begins with a zero byte for one.
std::string_view without_empty_lines(std::string_view bytes) {
    while (!bytes.empty() && (bytes.starts_with('\0') || bytes.starts_with('\n') || bytes.starts_with("\r\n")))
        bytes.remove_prefix(std::min(bytes.find('\n'), bytes.size() - 1) + 1);
    return bytes;
}

MHD_Daemon* start() {
    return MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET, 0, nullptr, nullptr, look, nullptr,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, std::size_t{64 * 1024},  //
                            MHD_OPTION_URI_LOG_CALLBACK, note_target, nullptr,           //
                            MHD_OPTION_END);
}

void send_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) break;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    shutdown(descriptor, SHUT_WR);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static MHD_Daemon* const daemon = start();
    if (size > 32 * 1024) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return 0;
    seen = {};
    send_all(pair[0], bytes);
    sockaddr address{};
    address.sa_family = AF_UNIX;
    MHD_add_connection(daemon, pair[1], &address, sizeof address);
    for (int round = 0; round < 3; ++round)
        MHD_run(daemon);
    close(pair[0]);
    MHD_run(daemon);
    if (!seen.accepted) return 0;

    const std::string_view from_method = without_empty_lines(bytes);
    require(from_method.size() >= *seen.accepted, "it is longer than what was sent", bytes);
    check_grammar(as_it_looks(std::string(from_method.substr(0, *seen.accepted))));
    return 0;
}

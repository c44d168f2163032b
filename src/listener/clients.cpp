// Connections: who came, who is too slow, who went away.
#include <fcntl.h>
#include <linux/tcp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>

#include "http/error.h"
#include "ipc/jobs.h"
#include "ipc/processes.h"
#include "listener/server.h"
#include "settings/settings.h"

namespace pgrest::listener {

namespace {

using settings::Process;

// A client may close its sending half and still want the answer. One that comes sooner than this it gets.
constexpr std::int64_t patience = 10;

// How soon after a client has closed its half libmicrohttpd should have noticed.
constexpr std::int64_t half_closed_interval = 200;

// Bytes of the connection that the other side has acknowledged; nothing for other sockets than TCP.
std::optional<std::uint64_t> acknowledged(int descriptor) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
    if (size < offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) return {};
    return info.tcpi_bytes_acked;
}

// How often bodies are looked at whose client has sent more than libmicrohttpd reads, and how often in a row that must
// be so. One that has room reads in each of its rounds.
constexpr std::int64_t still_interval = 20;
constexpr int times_still = 10;

bool stands_still(Exchange& exchange) {
    int unread = 0;
    if (ioctl(exchange.client->descriptor, FIONREAD, &unread) != 0) return false;
    const bool moves = unread == 0 || unread < exchange.unread || exchange.received != exchange.received_then;
    exchange.unread = unread;
    exchange.received_then = exchange.received;
    exchange.still = moves ? 0 : exchange.still + 1;
    return exchange.still >= times_still;
}

std::uint64_t taken_by_client(const Exchange& exchange) {
    return acknowledged(exchange.client->descriptor).value_or(exchange.given);
}

}  // namespace

bool is_read(const Exchange& exchange) {
    const std::string& method = exchange.request.method;
    return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

bool ends_with_its_client(const Exchange& exchange) {
    if (!exchange.config) return false;
    switch (exchange.config->cancel_on_disconnect) {
        case config::CancelOnDisconnect::Off:
            return false;
        case config::CancelOnDisconnect::Reads:
            return is_read(exchange);
        case config::CancelOnDisconnect::All:
            return true;
    }
    return false;
}

http::Error server_stops() {
    return http::from_database({"57P01", "the server is shutting down", {}, {}}, true);
}

std::int64_t now_milliseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

// ---------------------------------------------------------------- connections
void Server::expect_head(Client& client, bool fresh) {
    client.since = now_milliseconds();
    if (fresh)
        fresh_clients_.append(client);
    else
        resting_clients_.append(client);
}

Client* Server::on_connect(MHD_Connection* connection) {
    auto* client = new Client;
    client->connection = connection;
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info) client->descriptor = info->connect_fd;
    ++connections_;
    const auto* address = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    client->peer = peer_of(address ? address->client_addr : nullptr);
    if (client->peer) peers_.add(*client->peer);
    expect_head(*client, /* fresh */ true);
    epoll_event event{};
    event.events = EPOLLRDHUP | EPOLLET;
    event.data.ptr = client;
    epoll_ctl(watch_, EPOLL_CTL_ADD, client->descriptor, &event);
    return client;
}

// Its socket is about to be closed.
void Server::linger_if_due(const Client& client) {
    int unread = 0;
    const bool due = client.answered_early || (ioctl(client.descriptor, FIONREAD, &unread) == 0 && unread > 0);
    if (!due || stopping_) return;
    const int copy = fcntl(client.descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) lingering_.take(copy, now_milliseconds());
}

void Server::on_disconnect(Client* client) {
    linger_if_due(*client);
    fresh_clients_.remove(*client);
    resting_clients_.remove(*client);
    half_closed_.remove(*client);
    epoll_ctl(watch_, EPOLL_CTL_DEL, client->descriptor, nullptr);
    --connections_;
    if (client->peer) peers_.remove(*client->peer);
    delete client;
}

// libmicrohttpd would now make a record of every parameter, and later of every cookie, in the memory that the head has
// to fit into; and it refuses some cookies that are merely odd. It finds no parameters, and an empty Cookie before the
// client's, and leaves both to us.
Exchange* Server::on_target(MHD_Connection* connection, char* target) {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    auto* client = info ? static_cast<Client*>(info->socket_context) : nullptr;
    if (!client) return nullptr;
    auto* exchange = new Exchange;
    exchange->client = client;
    exchange->connection = connection;
    exchange->upload.belongs_to(index_);
    exchange->target = target;
    exchange->target_at = target;
    if (char* mark = std::strchr(target, '?')) mark[1] = '\0';
    MHD_set_connection_value_n(connection, MHD_HEADER_KIND, cookie_for_daemon, sizeof cookie_for_daemon - 1, "", 0);
    client->exchange = exchange;
    alive_.append(*exchange);
    if (client->resting.listed) {
        resting_clients_.remove(*client);
        expect_head(*client, /* fresh */ true);
    }
    return exchange;
}

// Answered, or cut off.
void Server::on_completed(Exchange& exchange) {
    stop_waiting(exchange);
    recent_.remove(exchange);
    receiving_.remove(exchange);
    sending_.remove(exchange);
    if (exchange.job != ipc::nothing) {
        if (ends_with_its_client(exchange)) ipc::cancel_job(exchange.job);
        let_go(exchange);
    }
    alive_.remove(exchange);
    exchange.client->exchange = nullptr;
    expect_head(*exchange.client, /* fresh */ false);
    delete &exchange;
}

// ---------------------------------------------------------------- disconnects
// libmicrohttpd does not look at suspended connections, so their sockets are also in a set of our own.
void Server::look_at_sockets() {
    epoll_event events[64];
    int count = 0;
    do {
        count = epoll_wait(watch_, events, 64, 0);
        for (int i = 0; i < count; ++i) {
            void* what = events[i].data.ptr;
            if (what == &listening_)
                has_arrivals_ = true;
            else if (what == &lingering_)
                lingering_.look(now_milliseconds());
            else
                client_half_closed(*static_cast<Client*>(what));
        }
    } while (count == 64);
}

void Server::client_half_closed(Client& client) {
    client.half_closed = true;
    client.look_again = now_milliseconds() + half_closed_interval;
    half_closed_.append(client);
    Exchange* exchange = client.exchange;
    if (exchange && exchange->suspended && exchange->since + patience <= now_milliseconds())
        client_went_away(*exchange);
}

void Server::client_went_away(Exchange& exchange) {
    if (!ends_with_its_client(exchange)) return;
    stop_waiting(exchange);
    if (exchange.job != ipc::nothing) {
        if (!ipc::withdraw_job(exchange.job)) ipc::cancel_job(exchange.job);
        let_go(exchange);
    }
    if (exchange.stage == Stage::Waiting) exchange.stage = Stage::Gone;
    resume(exchange);
}

// ---------------------------------------------------------------- deadlines
// Every list is in the order of time, and holds when something began: a reload that changes a limit acts on all.

// Ends the connections that have waited since then; libmicrohttpd sees it when it reads.
template <typename Clients>
void Server::hang_up(Clients& clients, std::int64_t since, bool tell) {
    while (Client* client = clients.front()) {
        if (client->since > since) break;
        clients.remove(*client);
        if (client->exchange && tell) refuse_slow_head(*client->exchange);
        shutdown(client->descriptor, SHUT_RDWR);
    }
}

// Its request line has come. Without one nobody may be waiting for an answer, and a proxy could take it for that of its
// next request.
void Server::refuse_slow_head(Exchange& exchange) {
    exchange.settled = http::to_response(http::own_error("PGRST408", "The head of the request came too slowly"), false);
    send_at_once(exchange);
}

void Server::give_up_body(Exchange& exchange, const http::Error& error) {
    receiving_.remove(exchange);
    if (exchange.stage == Stage::Receiving)
        refuse_body(exchange, error, true);
    else if (!exchange.sent_at_once)
        send_at_once(exchange);
    shutdown(exchange.client->descriptor, SHUT_RDWR);
}

void Server::end_slow_bodies(std::int64_t since) {
    while (Exchange* exchange = receiving_.front()) {
        if (exchange->moved > since) break;
        give_up_body(*exchange, http::own_error("PGRST408", "The body of the request came too slowly"));
    }
}

// A chunk begins with a line. When libmicrohttpd's memory is full and the line has not ended, it reads no more, and
// wants to be run again at once until body_timeout ends it.
void Server::end_endless_lines(std::int64_t now) {
    if (now < look_for_still_ || !daemon_wants_to_run()) return;
    look_for_still_ = now + still_interval;
    Exchange* next = nullptr;
    for (Exchange* exchange = receiving_.front(); exchange; exchange = next) {
        next = decltype(receiving_)::after(*exchange);
        if (!stands_still(*exchange)) continue;
        give_up_body(*exchange, http::own_error("PGRST400", "A chunk of the body begins with a line that is too long"));
    }
}

void Server::expect_progress(Exchange& exchange) {
    exchange.moved = now_milliseconds();
    sending_.append(exchange);
}

// A client that reads a little now and then would hold an executor. Who waits for the executor himself is not slow.
void Server::end_slow_readers(std::int64_t since) {
    while (Exchange* exchange = sending_.front()) {
        if (exchange->moved > since) break;
        sending_.remove(*exchange);
        const std::uint64_t taken = taken_by_client(*exchange);
        if (!exchange->paused_for_data && taken < exchange->taken + least_progress) {
            shutdown(exchange->client->descriptor, SHUT_RDWR);
            continue;
        }
        exchange->taken = taken;
        expect_progress(*exchange);
    }
}

void Server::keep_deadlines() {
    const std::int64_t now = now_milliseconds();
    hang_up(fresh_clients_, now - Process::header_timeout(), /* tell */ true);
    hang_up(resting_clients_, now - Process::keepalive_timeout(), /* tell */ false);
    end_slow_bodies(now - Process::body_timeout());
    end_endless_lines(now);
    end_slow_readers(now - Process::send_timeout());
    lingering_.keep_deadlines(now);
    accept_again_if_due(now);
    while (Exchange* exchange = recent_.front()) {
        if (exchange->since + patience > now) break;
        recent_.remove(*exchange);
        if (exchange->client->half_closed) client_went_away(*exchange);
    }
    // When the last data and the end come together, libmicrohttpd reads the one and waits for an event that tells of
    // the other, which has been already. This makes a new one, and loses nothing that is still to be read.
    while (Client* client = half_closed_.front()) {
        if (client->look_again > now) break;
        half_closed_.remove(*client);
        client->look_again = now + half_closed_interval;
        half_closed_.append(*client);
        if (!client->exchange || !client->exchange->suspended) shutdown(client->descriptor, SHUT_RD);
    }
    while (Exchange* exchange = waiting_.front()) {
        if (exchange->since + Process::acquisition_timeout() > now) break;
        waiting_.remove(*exchange);
        if (exchange->job != ipc::nothing && !ipc::withdraw_job(exchange->job)) continue;  // it runs
        let_go(*exchange);
        answer_instead(*exchange, http::own_error("PGRST003", "No executor became free in time"));
        resume(*exchange);
    }
}

// Nothing when an executor is there or may still come.
std::optional<http::Error> Server::lack_of_executors() const {
    if (ipc::shared()->connected > 0) return {};
    if (shutting_down_) return server_stops();
    const ipc::Availability found = ipc::availability();
    if (found.connected || found.trouble.empty()) return {};
    return http::own_error("PGRST000", "No executor is connected to the database", found.trouble);
}

void Server::refuse_waiting() {
    const std::optional<http::Error> error = lack_of_executors();
    if (!error) return;
    Exchange* next = nullptr;
    for (Exchange* exchange = waiting_.front(); exchange; exchange = next) {
        next = decltype(waiting_)::after(*exchange);
        if (exchange->job != ipc::nothing && !ipc::withdraw_job(exchange->job)) continue;
        let_go(*exchange);
        answer_instead(*exchange, *error);
        resume(*exchange);
    }
}

long Server::timeout() const {
    if (resumed_) return 0;
    std::int64_t due = INT64_MAX;
    const auto until = [&](std::int64_t when) { due = std::min(due, when); };
    if (const Client* client = fresh_clients_.front()) until(client->since + Process::header_timeout());
    if (const Client* client = resting_clients_.front()) until(client->since + Process::keepalive_timeout());
    if (const Exchange* exchange = receiving_.front()) until(exchange->moved + Process::body_timeout());
    if (const Exchange* exchange = sending_.front()) until(exchange->moved + Process::send_timeout());
    until(lingering_.due());
    until(accept_again_);
    if (const Exchange* exchange = recent_.front()) until(exchange->since + patience);
    if (const Client* client = half_closed_.front()) until(client->look_again);
    if (const Exchange* exchange = waiting_.front()) until(exchange->since + Process::acquisition_timeout());
    long wait = due == INT64_MAX ? -1 : static_cast<long>(std::max<std::int64_t>(0, due - now_milliseconds()));
    unsigned long long of_daemon = 0;
    if (daemon_ && MHD_get_timeout(daemon_, &of_daemon) == MHD_YES &&
        (wait < 0 || of_daemon < static_cast<unsigned long long>(wait)))
        wait = static_cast<long>(std::min<unsigned long long>(of_daemon, 3600 * 1000));
    return wait;
}

// ---------------------------------------------------------------- the end
void Server::begin_shutdown() {
    shutting_down_ = true;
    stop_listening();
    hang_up(fresh_clients_, INT64_MAX, /* tell */ false);
    hang_up(resting_clients_, INT64_MAX, /* tell */ false);
}

// A write that an executor has begun may still be committed: its client is told nothing rather than something wrong.
void Server::cut_off(Exchange& exchange) {
    const bool begun = exchange.job != ipc::nothing && !ipc::withdraw_job(exchange.job);
    if (begun && ends_with_its_client(exchange)) ipc::cancel_job(exchange.job);
    let_go(exchange);
    stop_waiting(exchange);
    if (exchange.stage == Stage::Waiting && begun && !is_read(exchange)) exchange.stage = Stage::Gone;
    if (exchange.stage == Stage::Waiting) answer_instead(exchange, server_stops());
    resume(exchange);
}

void Server::stop() {
    Exchange* next = nullptr;
    for (Exchange* exchange = alive_.front(); exchange; exchange = next) {
        next = decltype(alive_)::after(*exchange);
        if (exchange->suspended) cut_off(*exchange);
    }
    // it gives up when a suspended connection is left
    stopping_ = true;
    for (int round = 0; round < 3; ++round)
        run();
    MHD_stop_daemon(daemon_);
    daemon_ = nullptr;
}

}  // namespace pgrest::listener

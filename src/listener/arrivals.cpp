// New connections. They are accepted here and not by libmicrohttpd, so that those over a limit get an answer instead of
// a place in the kernel's queue.
#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>

#include "http/error.h"
#include "listener/log.h"
#include "listener/server.h"
#include "settings/settings.h"

namespace pgrest::listener {

namespace {

using settings::Process;

// Of one round of the main loop, so that those who are here already get their turn.
constexpr int most_at_once = 64;

// When the system has no descriptor or memory left.
constexpr std::int64_t accept_interval = 100;

http::Error too_many(const char* whose) {
    return http::own_error("PGRST503", std::string("There are too many connections") + whose);
}

}  // namespace

bool Server::watch(int descriptor, void* what) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = what;
    return epoll_ctl(watch_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void Server::accept_clients() {
    has_arrivals_ = false;
    for (int i = 0; i < most_at_once && listening_ >= 0; ++i) {
        sockaddr_storage storage{};
        auto* address = reinterpret_cast<sockaddr*>(&storage);
        socklen_t size = sizeof storage;
        const int socket = accept4(listening_, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) return pause_accepting(errno);
        if (const auto error = refusal_of(address))
            refuse(socket, *error);
        else
            MHD_add_connection(daemon_, socket, address, size);  // closes it when it cannot
    }
}

std::optional<http::Error> Server::refusal_of(const sockaddr* address) const {
    if (connections_ >= most_connections_) return too_many("");
    const int most = Process::max_connections_per_address();
    const std::optional<Peer> peer = most > 0 ? peer_of(address) : std::nullopt;
    if (peer && peers_.connections_of(*peer) >= most) return too_many(" from this address");
    return {};
}

void Server::refuse(int socket, const http::Error& error) {
    log_failure({}, error);
    http::Response response = http::to_response(error, /* minimal */ false);
    lingering_.refuse(socket, text_of(response, /* is_head */ false), now_milliseconds());
}

// The socket stays readable, so it must not be looked at for a while.
void Server::pause_accepting(int error) {
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED) return;
    epoll_ctl(watch_, EPOLL_CTL_DEL, listening_, nullptr);
    accept_again_ = now_milliseconds() + accept_interval;
}

void Server::accept_again_if_due(std::int64_t now) {
    if (listening_ < 0 || accept_again_ > now) return;
    accept_again_ = INT64_MAX;
    watch(listening_, &listening_);
}

void Server::stop_listening() {
    if (listening_ < 0) return;
    epoll_ctl(watch_, EPOLL_CTL_DEL, listening_, nullptr);
    close(listening_);
    listening_ = -1;
}

}  // namespace pgrest::listener

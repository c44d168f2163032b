#include "listener/refusals.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>

namespace pgrest::listener {

namespace {

constexpr std::int64_t stay = 1000;  // milliseconds

// False when the client has closed its half.
bool discard_what_came(int socket) {
    char buffer[16 * 1024];
    const ssize_t size = recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace

Refusals::~Refusals() {
    while (Refused* refused = refused_.front())
        close_one(refused);
    if (watch_ >= 0) close(watch_);
}

bool Refusals::open() {
    if (watch_ < 0) watch_ = epoll_create1(EPOLL_CLOEXEC);
    return watch_ >= 0;
}

void Refusals::refuse(int socket, std::string_view answer, std::int64_t now) {
    send(socket, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(socket, SHUT_WR);
    if (count_ >= most) close_one(refused_.front());
    auto* refused = new Refused;
    refused->socket = socket;
    refused->deadline = now + stay;
    refused_.append(*refused);
    ++count_;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = refused;
    epoll_ctl(watch_, EPOLL_CTL_ADD, socket, &event);
}

void Refusals::see_leaving() {
    epoll_event events[64];
    const int count = epoll_wait(watch_, events, 64, 0);
    for (int i = 0; i < count; ++i) {
        auto* refused = static_cast<Refused*>(events[i].data.ptr);
        if (!discard_what_came(refused->socket)) close_one(refused);
    }
}

void Refusals::keep_deadlines(std::int64_t now) {
    while (Refused* refused = refused_.front()) {
        if (refused->deadline > now) return;
        close_one(refused);
    }
}

std::int64_t Refusals::due() const {
    return refused_.empty() ? INT64_MAX : refused_.front()->deadline;
}

void Refusals::close_one(Refused* refused) {
    refused_.remove(*refused);
    --count_;
    close(refused->socket);
    delete refused;
}

}  // namespace pgrest::listener

#include "listener/lingering.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>

namespace pgrest::listener {

namespace {

constexpr std::int64_t longest_silence = 2000;  // milliseconds
constexpr std::int64_t longest_stay = 30000;
constexpr std::uint64_t most_discarded = 256 * 1024 * 1024;

// In one look, so that nobody waits for it.
constexpr int reads_at_once = 8;

enum class Came { Something, Nothing, End };

Came discard_what_came(int socket, std::uint64_t& discarded) {
    static char buffer[64 * 1024];
    Came came = Came::Nothing;
    for (int i = 0; i < reads_at_once; ++i) {
        const ssize_t size = recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
        if (size < 0) return errno == EAGAIN || errno == EINTR ? came : Came::End;
        if (size == 0) return Came::End;
        discarded += static_cast<std::uint64_t>(size);
        came = Came::Something;
        if (static_cast<std::size_t>(size) < sizeof buffer) break;
    }
    return came;
}

}  // namespace

Lingering::~Lingering() {
    while (Left* left = left_.front())
        close_one(left);
    if (watch_ >= 0) close(watch_);
}

bool Lingering::open() {
    if (watch_ < 0) watch_ = epoll_create1(EPOLL_CLOEXEC);
    return watch_ >= 0;
}

void Lingering::refuse(int socket, std::string_view answer, std::int64_t now) {
    send(socket, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    take(socket, now);
}

void Lingering::take(int socket, std::int64_t now) {
    shutdown(socket, SHUT_WR);
    if (count_ >= most) close_one(left_.front());
    auto* left = new Left;
    left->socket = socket;
    left->since = now;
    ++count_;
    expect_more(*left, now);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = left;
    epoll_ctl(watch_, EPOLL_CTL_ADD, socket, &event);
}

void Lingering::expect_more(Left& left, std::int64_t now) {
    left_.remove(left);
    left.deadline = now + longest_silence;
    left_.append(left);
}

void Lingering::look_at(Left& left, std::int64_t now) {
    const Came came = discard_what_came(left.socket, left.discarded);
    const bool enough = left.discarded > most_discarded || now - left.since > longest_stay;
    if (came == Came::End || enough)
        close_one(&left);
    else if (came == Came::Something)
        expect_more(left, now);
}

void Lingering::look(std::int64_t now) {
    epoll_event events[64];
    const int count = epoll_wait(watch_, events, 64, 0);
    for (int i = 0; i < count; ++i)
        look_at(*static_cast<Left*>(events[i].data.ptr), now);
}

void Lingering::keep_deadlines(std::int64_t now) {
    while (Left* left = left_.front()) {
        if (left->deadline > now) return;
        close_one(left);
    }
}

std::int64_t Lingering::due() const {
    return left_.empty() ? INT64_MAX : left_.front()->deadline;
}

void Lingering::close_one(Left* left) {
    left_.remove(*left);
    --count_;
    close(left->socket);
    delete left;
}

}  // namespace pgrest::listener

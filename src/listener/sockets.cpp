#include "listener/sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace pgrest::listener {

namespace {

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {}
    ~Descriptor() {
        if (value_ >= 0) close(value_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return value_; }
    int release() {
        const int value = value_;
        value_ = -1;
        return value;
    }

private:
    int value_;
};

std::string system_problem(const std::string& what) {
    return what + ": " + std::strerror(errno);
}

OpenedSocket failed(std::string problem) {
    OpenedSocket result;
    result.problem = std::move(problem);
    return result;
}

int new_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// ---------------------------------------------------------------- unix
bool is_answered(const sockaddr_un& address) {
    const Descriptor descriptor(new_socket(AF_UNIX));
    if (descriptor.get() < 0) return false;
    // EAGAIN: somebody listens, and has many waiting
    return connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
           errno == EAGAIN;
}

// Nothing when the path is free now.
std::optional<std::string> clear_the_way(const sockaddr_un& address) {
    const std::string path = address.sun_path;
    struct stat existing {};
    if (lstat(path.c_str(), &existing) != 0) return {};
    if (!S_ISSOCK(existing.st_mode)) return path + " exists and is no socket";
    if (is_answered(address)) return "another server listens on " + path;
    if (unlink(path.c_str()) != 0) return system_problem("could not remove the old socket " + path);
    return {};
}

int bind_closed_to_others(int descriptor, const sockaddr_un& address) {
    const mode_t before = umask(0177);
    const int bound = bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    umask(before);
    errno = error;
    return bound;
}

OpenedSocket open_unix_socket(const SocketWish& wish) {
    const char* path = wish.unix_path.c_str();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (wish.unix_path.size() >= sizeof address.sun_path) return failed("the path " + wish.unix_path + " is too long");
    std::memcpy(address.sun_path, path, wish.unix_path.size());
    if (auto problem = clear_the_way(address)) return failed(std::move(*problem));

    Descriptor descriptor(new_socket(AF_UNIX));
    if (descriptor.get() < 0) return failed(system_problem("could not create a socket"));
    if (bind_closed_to_others(descriptor.get(), address) != 0)
        return failed(system_problem("could not bind " + wish.unix_path));
    if (chmod(path, static_cast<mode_t>(wish.unix_mode)) != 0)
        return failed(system_problem("could not set the mode of " + wish.unix_path));
    if (listen(descriptor.get(), SOMAXCONN) != 0)
        return failed(system_problem("could not listen on " + wish.unix_path));
    struct stat made {};
    if (lstat(path, &made) != 0) return failed(system_problem("could not find " + wish.unix_path));
    OpenedSocket opened;
    opened.address = wish.unix_path;
    opened.device = made.st_dev;
    opened.inode = made.st_ino;
    opened.descriptor = descriptor.release();
    return opened;
}

// ---------------------------------------------------------------- TCP
struct Preference {
    const char* node = nullptr;  // null = any address
    int only = AF_UNSPEC;
    int first = AF_UNSPEC;
};

Preference preference_of(const std::string& host) {
    if (host == "*") return {nullptr, AF_UNSPEC, AF_INET6};  // an IPv6 socket takes IPv4 too
    if (host == "*4") return {nullptr, AF_UNSPEC, AF_INET};
    if (host == "!4") return {nullptr, AF_INET, AF_INET};
    if (host == "*6") return {nullptr, AF_UNSPEC, AF_INET6};
    if (host == "!6") return {nullptr, AF_INET6, AF_INET6};
    return {host.c_str(), AF_UNSPEC, AF_UNSPEC};
}

std::string text_of(const sockaddr* address, socklen_t size) {
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    if (getnameinfo(address, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return "unknown address";
    const std::string_view name(host);
    if (name.find(':') == std::string_view::npos) return std::string(name) + ":" + port;
    return "[" + std::string(name) + "]:" + port;
}

bool set_options(int descriptor, const addrinfo& candidate, const SocketWish& wish) {
    const int on = 1;
    const int v6_only = wish.host == "!6" ? 1 : 0;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return false;
    if (wish.shared && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return false;
    if (candidate.ai_family != AF_INET6) return true;
    return setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) == 0;
}

// Bound, or why not.
OpenedSocket bind_candidate(const addrinfo& candidate, const SocketWish& wish) {
    const std::string name = text_of(candidate.ai_addr, candidate.ai_addrlen);
    Descriptor descriptor(new_socket(candidate.ai_family));
    if (descriptor.get() < 0) return failed(system_problem("could not create a socket for " + name));
    if (!set_options(descriptor.get(), candidate, wish)) return failed(system_problem("could not set up " + name));
    if (bind(descriptor.get(), candidate.ai_addr, candidate.ai_addrlen) != 0)
        return failed(system_problem("could not bind " + name));
    OpenedSocket bound;
    bound.descriptor = descriptor.release();
    return bound;
}

// Two servers that both share would share with each other: a socket that does not share finds out.
OpenedSocket find_it_free(const addrinfo& candidate, SocketWish wish) {
    wish.shared = false;
    OpenedSocket tried = bind_candidate(candidate, wish);
    if (tried.descriptor >= 0) close(tried.descriptor);
    return tried;
}

OpenedSocket open_candidate(const addrinfo& candidate, const SocketWish& wish) {
    if (wish.shared && wish.alone) {
        OpenedSocket tried = find_it_free(candidate, wish);
        if (tried.descriptor < 0) return tried;
    }
    OpenedSocket taken = bind_candidate(candidate, wish);
    if (taken.descriptor < 0) return taken;
    Descriptor descriptor(taken.descriptor);
    const std::string name = text_of(candidate.ai_addr, candidate.ai_addrlen);
    if (listen(descriptor.get(), SOMAXCONN) != 0) return failed(system_problem("could not listen on " + name));

    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (getsockname(descriptor.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
        return failed(system_problem("could not find out the address of the socket"));
    OpenedSocket opened;
    opened.port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                                    : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
    opened.address = text_of(reinterpret_cast<const sockaddr*>(&bound), size);
    opened.descriptor = descriptor.release();
    return opened;
}

OpenedSocket open_tcp_socket(const SocketWish& wish) {
    const Preference preference = preference_of(wish.host);
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_family = preference.only;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(preference.node, std::to_string(wish.port).c_str(), &hints, &found);
    if (error != 0) return failed("could not resolve \"" + wish.host + "\": " + gai_strerror(error));

    std::vector<const addrinfo*> candidates;
    for (const addrinfo* candidate = found; candidate; candidate = candidate->ai_next)
        candidates.push_back(candidate);
    std::stable_partition(candidates.begin(), candidates.end(),
                          [&](const addrinfo* candidate) { return candidate->ai_family == preference.first; });
    OpenedSocket result = failed("no address to bind");
    for (const addrinfo* candidate : candidates) {
        result = open_candidate(*candidate, wish);
        if (result.descriptor >= 0) break;
    }
    freeaddrinfo(found);
    return result;
}

}  // namespace

OpenedSocket open_socket(const SocketWish& wish) {
    return wish.unix_path.empty() ? open_tcp_socket(wish) : open_unix_socket(wish);
}

void remove_socket_file(const OpenedSocket& opened) {
    if (opened.inode == 0) return;
    struct stat now {};
    if (lstat(opened.address.c_str(), &now) != 0) return;
    if (now.st_dev == opened.device && now.st_ino == opened.inode) unlink(opened.address.c_str());
}

}  // namespace pgrest::listener

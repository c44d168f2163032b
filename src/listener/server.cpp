#include "listener/server.h"

#include <microhttpd.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <cstdio>

#include "ipc/shared.h"
#include "listener/callbacks.h"
#include "settings/settings.h"

namespace pgrest::listener {

namespace {

// Above our own limit: it counts a connection until it has cleaned up after it.
constexpr int spare_connections = 50;

// From 0.9.77 on it moves what it parses, and refuses by itself what http::HeadLayout finds out before.
bool is_before_0_9_77() {
    int major = 0;
    int minor = 0;
    int patch = 0;
    std::sscanf(MHD_get_version(), "%d.%d.%d", &major, &minor, &patch);
    return major == 0 && (minor < 9 || (minor == 9 && patch < 77));
}

}  // namespace

Server::Server(int index, auth::TokenCache& cache)
    : index_(index),
      cache_(cache),
      parses_in_place_(is_before_0_9_77()),
      by_job_(static_cast<std::size_t>(ipc::shared()->job_count)),
      news_(static_cast<std::size_t>(ipc::shared()->job_count)) {}

bool Server::start(int socket, int most_connections) {
    most_connections_ = most_connections;
    watch_ = epoll_create1(EPOLL_CLOEXEC);
    if (watch_ < 0 || !lingering_.open()) return false;
    MHD_set_panic_func(daemon_panics, nullptr);
    daemon_ = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, nullptr, nullptr,
        request_has_come, this, MHD_OPTION_EXTERNAL_LOGGER, message_of_daemon, this,  //
        // before 0.9.77 it would add two checks that are made here too, and answer in HTML
        MHD_OPTION_STRICT_FOR_CLIENT, parses_in_place_ ? 0 : 1,                                    //
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,                                                      //
        MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(most_connections + spare_connections),  //
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,                                     //
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, this,                                    //
        MHD_OPTION_URI_LOG_CALLBACK, target_has_come, this,                                        //
        MHD_OPTION_NOTIFY_COMPLETED, request_has_ended, this,                                      //
        MHD_OPTION_END);
    if (daemon_ && watch(lingering_.descriptor(), &lingering_) && watch(socket, &listening_)) {
        listening_ = socket;
        return true;
    }
    if (daemon_) MHD_stop_daemon(daemon_);
    daemon_ = nullptr;
    close(watch_);
    watch_ = -1;
    return false;
}

int Server::daemon_descriptor() const {
    const auto* info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

bool Server::daemon_wants_to_run() const {
    unsigned long long wait = 0;
    return MHD_get_timeout(daemon_, &wait) == MHD_YES && wait == 0;
}

void Server::run() {
    resumed_ = false;
    MHD_run(daemon_);
}

}  // namespace pgrest::listener

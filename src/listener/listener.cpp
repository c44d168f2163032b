#include "listener/listener.h"

#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <memory>
#include <string>

#include "auth/authenticator.h"
#include "listener/log.h"
#include "listener/server.h"
#include "listener/sockets.h"
#include "pg/guard.h"
#include "pool/process.h"
#include "pool/state.h"
#include "settings/settings.h"

extern "C" {
#include <pgstat.h>
#include <postmaster/interrupt.h>
#include <storage/ipc.h>
#include <storage/latch.h>
#if PG_VERSION_NUM >= 180000
#include <storage/waiteventset.h>
#endif

PGDLLEXPORT void pgrest_listener_main(Datum argument);
}

namespace pgrest::listener {

namespace {

using settings::Process;

constexpr int socket_retry_interval = 1000;

// Lives until the process ends: callbacks refer to it.
struct Self {
    int index = 0;
    Server* server = nullptr;
    OpenedSocket* socket = nullptr;
    WaitEventSet* events = nullptr;
    bool sockets = false;  // clients come or leave
    std::int64_t next_attempt = 0;
    std::string complained_of;
    std::uint64_t trouble_seen = 0;
    std::int64_t shutdown_deadline = 0;
} self;

// ---------------------------------------------------------------- socket
SocketWish socket_wish() {
    const int bound_port = ipc::shared()->bound_port;
    SocketWish wish;
    wish.host = Process::server_host();
    // with "any port" the first listener chooses
    wish.port = Process::server_port() == 0 ? bound_port : Process::server_port();
    wish.shared = Process::listeners() > 1 || Process::server_reuseport();
    wish.alone = !Process::server_reuseport() && bound_port == 0;
    wish.unix_path = Process::server_unix_socket();
    wish.unix_mode = Process::server_unix_socket_mode();
    return wish;
}

// A server that shares its port takes its first client when it can answer it; until then others do.
bool is_ready() {
    const ipc::Readiness readiness = ipc::shared()->readiness;
    if (!Process::server_reuseport()) return readiness != ipc::Readiness::Unknown;
    return readiness == ipc::Readiness::Serving && ipc::shared()->connected > 0;
}

// Whether it is this process's turn to open a socket.
bool may_open() {
    if (!is_ready()) return false;
    if (self.index == 0) return true;
    if (Process::server_unix_socket()[0] != '\0') return false;  // one process can have it
    return ipc::shared()->bound_port != 0;
}

// Leaves descriptors for PostgreSQL's own files.
int most_connections() {
    constexpr int reserve = 100 + Lingering::most;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return Process::max_connections();
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    const long long possible =
        std::max<long long>(10, static_cast<long long>(std::min<rlim_t>(limit.rlim_cur, 1 << 20)) - reserve);
    if (possible >= Process::max_connections()) return Process::max_connections();
    log_line("pgrest.max_connections is lowered to " + std::to_string(possible) +
             ": the system allows no more open files");
    return static_cast<int>(possible);
}

void complain(const std::string& problem) {
    if (self.complained_of == problem) return;
    self.complained_of = problem;
    log_line("pgrest does not listen: " + problem + "; trying again every second");
}

// fired: set when there is something on the descriptor.
void add_descriptor(int descriptor, bool* fired) {
    pg::guarded([=] { AddWaitEventToSet(self.events, WL_SOCKET_READABLE, descriptor, nullptr, fired); });
}

void report_activity(const std::string& text) {
    const char* activity = text.c_str();
    pg::guarded([=] { pgstat_report_activity(STATE_RUNNING, activity); });
}

void open_if_due() {
    if (self.server->started() || ShutdownRequestPending || !may_open()) return;
    const std::int64_t now = now_milliseconds();
    if (now < self.next_attempt) return;
    self.next_attempt = now + socket_retry_interval;
    OpenedSocket opened = open_socket(socket_wish());
    if (opened.descriptor < 0) return complain(opened.problem);
    if (!self.server->start(opened.descriptor, most_connections())) {
        close(opened.descriptor);
        remove_socket_file(opened);
        return complain("libmicrohttpd could not be started");
    }
    add_descriptor(self.server->daemon_descriptor(), nullptr);
    add_descriptor(self.server->watch_descriptor(), &self.sockets);
    if (self.index == 0) ipc::shared()->bound_port = opened.port;
    log_line("pgrest listens on " + opened.address);
    report_activity("listening on " + opened.address);
    ipc::wake_listeners();
    self.socket = new OpenedSocket(std::move(opened));
}

// ---------------------------------------------------------------- main loop
void prepare_events() {
    pg::guarded([] {
#if PG_VERSION_NUM >= 170000
        self.events = CreateWaitEventSet(nullptr, 4);
#else
        self.events = CreateWaitEventSet(TopMemoryContext, 4);
#endif
        AddWaitEventToSet(self.events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
        AddWaitEventToSet(self.events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
    });
}

long timeout() {
    long wait = self.server->timeout();
    const auto at_most = [&](long limit) { wait = wait < 0 ? limit : std::min(wait, limit); };
    if (!self.server->started()) at_most(socket_retry_interval);
    if (self.shutdown_deadline)
        at_most(std::max<long>(0, static_cast<long>(self.shutdown_deadline - now_milliseconds())));
    return wait;
}

void wait_for_events() {
    const long wait = timeout();
    pg::guarded([=] {
        WaitEvent happened[4];
        const int count = WaitEventSetWait(self.events, wait, happened, 4, pool::wait_event(pool::Wait::ForClients));
        for (int i = 0; i < count; ++i) {
            if (happened[i].user_data) *static_cast<bool*>(happened[i].user_data) = true;
        }
        ResetLatch(MyLatch);
        pool::handle_interrupts();
    });
}

void notice_trouble() {
    const std::uint64_t changes = ipc::shared()->trouble_changes;
    if (changes == self.trouble_seen && !ShutdownRequestPending) return;
    self.trouble_seen = changes;
    self.server->refuse_waiting();
}

// True when it is time to end.
bool shut_down_if_asked() {
    if (!ShutdownRequestPending) return false;
    if (!self.server->started()) return true;
    if (!self.shutdown_deadline) {
        self.shutdown_deadline = now_milliseconds() + Process::shutdown_timeout();
        self.server->begin_shutdown();
        remove_socket_file(*self.socket);
    }
    return self.server->idle() || now_milliseconds() >= self.shutdown_deadline;
}

void serve() {
    auth::TokenCache cache;
    self.server = new Server(self.index, cache);
    prepare_events();
    while (!shut_down_if_asked()) {
        open_if_due();
        wait_for_events();
        if (!self.server->started()) continue;
        self.server->hear_news();
        self.server->give_way_if_asked();
        notice_trouble();
        if (self.sockets) self.server->look_at_sockets();
        self.sockets = false;
        self.server->run();
        if (self.server->has_arrivals()) {
            self.server->accept_clients();  // after those who leave have left
            self.server->run();
        }
        self.server->keep_deadlines();
    }
    if (self.server->started()) self.server->stop();
}

}  // namespace

Server* this_server() {
    return self.server;
}

}  // namespace pgrest::listener

extern "C" void pgrest_listener_main(Datum argument) {
    using namespace pgrest;
    if (!ipc::shared()) proc_exit(0);  // the launcher says why
    pool::start_without_database();
    listener::self.index = DatumGetInt32(argument);
    pool::enter_listener(listener::self.index);
    pg::translate_exceptions([] { listener::serve(); });
    // not 0, which would keep the postmaster from starting it again
    proc_exit(1);
}

#include "pool/pool.h"

#include <algorithm>
#include <csignal>

#include "ipc/shared.h"
#include "pg/guard.h"
#include "pool/process.h"
#include "pool/shared.h"
#include "pool/state.h"
#include "settings/settings.h"

extern "C" {
#include <pgstat.h>
#include <storage/latch.h>
#include <utils/timestamp.h>
}

namespace pgrest::pool {

using namespace ipc;

namespace {

constexpr int restart_interval = 1;  // seconds after which launcher and listeners are started again

// PostgreSQL says it in its log only, and how many there may be.
bool worker_refused = false;
emit_log_hook_type previous_log_hook = nullptr;

void look_for_refusal(ErrorData* error) {
    if (error->sqlerrcode == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED) {
        worker_refused = true;
        error->output_to_server = false;  // what follows is clearer
    }
    if (previous_log_hook) previous_log_hook(error);
}

// False when max_worker_processes has no room for it.
bool register_worker(const char* type, const char* function, int index) {
    BackgroundWorker worker = describe_worker(type, function, index, restart_interval);
    previous_log_hook = emit_log_hook;
    emit_log_hook = look_for_refusal;
    worker_refused = false;
    RegisterBackgroundWorker(&worker);
    emit_log_hook = previous_log_hook;
    return !worker_refused;
}

void say_that_workers_are_missing(int listeners) {
    const int wanted = 1 + settings::Process::listeners() + settings::Process::workers();
    if (listeners > 0)
        ereport(LOG,
                (errmsg("pgrest listens with %d of %d processes: max_worker_processes (%d) has no room for more; it "
                        "needs %d beside those of others",
                        listeners, settings::Process::listeners(), max_worker_processes, wanted)));
    else
        ereport(LOG,
                (errmsg("pgrest serves no HTTP: max_worker_processes (%d) has no room for its processes; it needs %d "
                        "beside those of others",
                        max_worker_processes, wanted)));
}

void register_workers() {
    if (!register_worker(launcher_type, "pgrest_launcher_main", 0)) return say_that_workers_are_missing(0);
    for (int i = 0; i < settings::Process::listeners(); ++i)
        if (!register_worker(listener_type, "pgrest_listener_main", i)) return say_that_workers_are_missing(i);
}

std::string time_text(TimestampTz time) {
    return pg::guarded([=] { return timestamptz_to_str(time); });
}

bool is_executor() {
    for (int i = 0; i < shared()->executor_count; ++i)
        if (shared()->executors[i].pid == MyProcPid) return true;
    return false;
}

enum class Leaving { Waiting, Gone, Resumed };

// Of executors other than the one that this function may be called by.
Leaving progress_of_leaving() {
    const Locked locked(shared()->lock, Access::Shared);
    if (!shared()->paused) return Leaving::Resumed;
    const int left = shared()->executors_left;
    return left == nothing || left > (is_executor() ? 1 : 0) ? Leaving::Waiting : Leaving::Gone;
}

void wait_until_they_are_gone() {
    for (;;) {
        const Leaving progress = progress_of_leaving();
        if (progress == Leaving::Gone) return;
        pg::guarded([=] {
            if (progress == Leaving::Resumed)
                ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                                errmsg("pgrest was resumed before it had let go of the database")));
            WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, wait_event(Wait::ForExecutors));
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
}

// Returns what it was before.
bool set_paused(bool paused) {
    const Locked locked(shared()->lock);
    const bool before = shared()->paused;
    shared()->paused = paused;
    shared()->executors_left = nothing;
    return before;
}

// Copies made under the lock; text is made of them without it.
struct Seen {
    int pid;
    const char* kind;
    const char* state;
    TimestampTz since;
    char request[sizeof(Job::request_line)];
    std::uint64_t requests;
};

Seen seen_executor(const Executor& executor) {
    Seen seen{executor.pid, "executor", "starting", executor.since, {}, executor.requests};
    if (executor.state == ExecutorState::Idle) seen.state = "idle";
    if (executor.state != ExecutorState::Running) return seen;
    seen.state = "running";
    if (executor.job != nothing)
        std::copy_n(shared()->jobs[executor.job].request_line, sizeof seen.request, seen.request);
    return seen;
}

std::vector<Seen> see_all() {
    const Shared& all = *shared();
    std::vector<Seen> rows;
    // no allocation under the lock
    rows.reserve(1U + static_cast<unsigned>(all.listener_count) + static_cast<unsigned>(all.executor_count));
    const Locked locked(all.lock, Access::Shared);
    if (all.launcher_pid)
        rows.push_back({all.launcher_pid, "launcher", all.paused ? "paused" : "running", all.launcher_since, {}, 0});
    for (int i = 0; i < all.listener_count; ++i) {
        const Listener& listener = all.listeners[i];
        if (listener.pid) rows.push_back({listener.pid, "listener", "serving", listener.since, {}, listener.requests});
    }
    for (int i = 0; i < all.executor_count; ++i) {
        if (all.executors[i].state != ExecutorState::Empty) rows.push_back(seen_executor(all.executors[i]));
    }
    return rows;
}

void count_job(QueueRow& row, JobState state) {
    switch (state) {
        case JobState::Free:
            break;
        case JobState::Held:
            ++row.arriving;
            break;
        case JobState::Queued:
            ++row.waiting;
            break;
        case JobState::Running:
            ++row.running;
            break;
        case JobState::Done:
            ++row.answered;
            break;
    }
}

}  // namespace

void install() {
    install_shared_memory();
    if (IsBinaryUpgrade) return;  // pg_upgrade wants the server for itself
    register_workers();
}

bool available() {
    return shared() != nullptr;
}

bool reload() {
    // as pg_reload_conf() does
    return kill(PostmasterPid, SIGHUP) == 0;
}

bool pause() {
    const bool before = set_paused(true);
    wake_launcher();
    wait_until_they_are_gone();
    return !before;
}

bool resume() {
    const bool before = set_paused(false);
    wake_launcher();
    return before;
}

std::vector<WorkerRow> workers() {
    std::vector<WorkerRow> rows;
    for (const Seen& seen : see_all())
        rows.push_back({seen.pid, seen.kind, seen.state, time_text(seen.since), seen.request,
                        static_cast<std::int64_t>(seen.requests)});
    return rows;
}

QueueRow queue() {
    const Shared& all = *shared();
    QueueRow row;
    {
        const Locked locked(all.lock, Access::Shared);
        for (int i = 0; i < all.job_count; ++i)
            count_job(row, all.jobs[i].state);
    }
    const Locked locked(all.chunk_lock, Access::Shared);
    row.slots = all.job_count;
    row.body_memory = static_cast<std::int64_t>(chunk_size) * all.chunk_count;
    row.body_memory_used = static_cast<std::int64_t>(chunk_size) * (all.chunk_count - all.free_chunks);
    return row;
}

}  // namespace pgrest::pool

#include "pool/state.h"

#include <cstring>

#include "pool/database_settings.h"
#include "pool/jobs.h"

extern "C" {
#include <storage/ipc.h>
#include <storage/proc.h>
#include <utils/timestamp.h>
}

namespace pgrest::pool {

namespace {

struct LastWords {
    char sqlstate[6] = {};
    char message[sizeof(Job::failure_message)] = {};
    char detail[sizeof(Job::failure_detail)] = {};
    char hint[sizeof(Job::failure_hint)] = {};
} last_words;

void copy_text(char* to, std::size_t size, const char* from) {
    const std::size_t length = strnlen(from, size - 1);
    std::memcpy(to, from, length);
    to[length] = '\0';
}

void set_if_any(Latch* latch) {
    if (latch) SetLatch(latch);
}

void leave_launcher(int, Datum) {
    const Locked locked(shared()->lock);
    shared()->launcher_pid = 0;
    shared()->launcher_latch = nullptr;
}

void leave_listener(int, Datum argument) {
    const int index = DatumGetInt32(argument);
    forget_listener(index);
    const Locked locked(shared()->lock);
    shared()->listeners[index].pid = 0;
    shared()->listeners[index].latch = nullptr;
}

// The job of an executor that ends before it has answered.
void abandon_job(int index) {
    Job& job = shared()->jobs[index];
    copy_text(job.failure_sqlstate, sizeof job.failure_sqlstate, last_words.sqlstate);
    copy_text(job.failure_message, sizeof job.failure_message, last_words.message);
    copy_text(job.failure_detail, sizeof job.failure_detail, last_words.detail);
    copy_text(job.failure_hint, sizeof job.failure_hint, last_words.hint);
    finish_job(index, StreamEnd::Broken);
}

void leave_executor(int, Datum argument) {
    Shared& all = *shared();
    const int index = DatumGetInt32(argument);
    Executor& executor = all.executors[index];
    if (executor.job != nothing) abandon_job(executor.job);
    Latch* replacement = nullptr;
    bool was_connected = false;
    {
        const Locked locked(all.lock);
        was_connected = executor.state == ExecutorState::Idle || executor.state == ExecutorState::Running;
        if (was_connected) --all.connected;
        replacement = unlist_and_pass_on(index);
        executor.failed = !was_connected;
        executor.state = ExecutorState::Empty;
        executor.pid = 0;
        executor.latch = nullptr;
        executor.since = GetCurrentTimestamp();
    }
    set_if_any(replacement);
    give_back_question();
    if (!was_connected && last_words.message[0] != '\0') set_trouble(last_words.message);
    wake_launcher();
}

}  // namespace

void enter_launcher() {
    {
        const Locked locked(shared()->lock);
        shared()->launcher_pid = MyProcPid;
        shared()->launcher_latch = MyLatch;
        shared()->launcher_since = GetCurrentTimestamp();
    }
    on_shmem_exit(leave_launcher, 0);
}

void wake_launcher() {
    Latch* latch = nullptr;
    {
        const Locked locked(shared()->lock);
        latch = shared()->launcher_latch;
    }
    set_if_any(latch);
}

void enter_listener(int index) {
    {
        const Locked locked(shared()->lock);
        Listener& listener = shared()->listeners[index];
        listener.pid = MyProcPid;
        listener.latch = MyLatch;
        listener.since = GetCurrentTimestamp();
        listener.requests = 0;
    }
    on_shmem_exit(leave_listener, Int32GetDatum(index));
}

void wake_listeners() {
    Shared& all = *shared();
    for (int i = 0; i < all.listener_count; ++i) {
        Latch* latch = nullptr;
        {
            const Locked locked(all.lock);
            latch = all.listeners[i].latch;
        }
        set_if_any(latch);
    }
}

bool enter_executor(int index) {
    {
        const Locked locked(shared()->lock);
        Executor& executor = shared()->executors[index];
        if (executor.state != ExecutorState::Empty) return false;
        executor.state = ExecutorState::Starting;
        executor.pid = MyProcPid;
        executor.latch = MyLatch;
        executor.job = nothing;
        executor.wants_retirement = false;
        executor.due = false;
        executor.retire = false;
        executor.running = 0;
        executor.cancel_wanted = 0;
        executor.requests = 0;
        executor.started = executor.since = GetCurrentTimestamp();
    }
    on_shmem_exit(leave_executor, Int32GetDatum(index));
    return true;
}

void executor_is_connected(int index) {
    {
        const Locked locked(shared()->lock);
        Executor& executor = shared()->executors[index];
        executor.state = ExecutorState::Idle;
        executor.since = GetCurrentTimestamp();
        ++shared()->connected;
        shared()->trouble[0] = '\0';
    }
    wake_launcher();
}

bool must_retire(int index) {
    Shared& all = *shared();
    Executor& executor = all.executors[index];
    if (executor.retire) return true;
    if (!executor.due) return false;
    const Locked locked(all.lock);
    if (all.connected < all.executor_count) return false;
    for (int i = 0; i < all.executor_count; ++i)
        if (all.executors[i].retire) return false;
    executor.retire = true;
    return true;
}

void remember_last_words(int sqlerrcode, const char* message, const char* detail, const char* hint) {
    copy_text(last_words.sqlstate, sizeof last_words.sqlstate, unpack_sql_state(sqlerrcode));
    copy_text(last_words.message, sizeof last_words.message, message);
    copy_text(last_words.detail, sizeof last_words.detail, detail);
    copy_text(last_words.hint, sizeof last_words.hint, hint);
}

void set_trouble(const char* reason) {
    {
        const Locked locked(shared()->lock);
        if (shared()->connected > 0 || std::strcmp(shared()->trouble, reason) == 0) return;
        copy_text(shared()->trouble, sizeof shared()->trouble, reason);
        shared()->trouble_changes.fetch_add(1);
    }
    wake_listeners();
}

Availability availability() {
    char trouble[sizeof(Shared::trouble)] = {};
    Availability found;
    {
        const Locked locked(shared()->lock, LW_SHARED);
        found.connected = shared()->connected > 0;
        if (!found.connected) copy_text(trouble, sizeof trouble, shared()->trouble);
    }
    found.trouble = trouble;
    return found;
}

}  // namespace pgrest::pool

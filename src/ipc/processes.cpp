#include "ipc/processes.h"

#include <cstring>

#include "ipc/assert.h"
#include "ipc/jobs.h"

namespace pgrest::ipc {

namespace {

// The job of an executor that ends before it has answered.
void abandon_job(int index, const LastWords& last_words) {
    Job& job = shared()->jobs[index];
    copy_text(job.failure_sqlstate, sizeof job.failure_sqlstate, last_words.sqlstate);
    copy_text(job.failure_message, sizeof job.failure_message, last_words.message);
    copy_text(job.failure_detail, sizeof job.failure_detail, last_words.detail);
    copy_text(job.failure_hint, sizeof job.failure_hint, last_words.hint);
    finish_job(index, StreamEnd::Broken);
}

}  // namespace

void copy_text(char* to, std::size_t size, const char* from) {
    const std::size_t length = strnlen(from, size - 1);
    std::memcpy(to, from, length);
    to[length] = '\0';
}

// ---------------------------------------------------------------- launcher
void enter_launcher(int pid, Latch* latch) {
    const Locked locked(shared()->lock);
    shared()->launcher_pid = pid;
    shared()->launcher_latch = latch;
    shared()->launcher_since = now();
}

void leave_launcher() {
    const Locked locked(shared()->lock);
    shared()->launcher_pid = 0;
    shared()->launcher_latch = nullptr;
}

void wake_launcher() {
    Latch* latch = nullptr;
    {
        const Locked locked(shared()->lock, Access::Shared);
        latch = shared()->launcher_latch;
    }
    set_if_any(latch);
}

// ---------------------------------------------------------------- listener
void enter_listener(int index, int pid, Latch* latch) {
    const Locked locked(shared()->lock);
    Listener& listener = shared()->listeners[index];
    PGREST_ASSERT(listener.first_news == nothing);
    listener.pid = pid;
    listener.latch = latch;
    listener.since = now();
    listener.requests = 0;
}

void leave_listener(int index) {
    forget_listener(index);
    const Locked locked(shared()->lock);
    Listener& listener = shared()->listeners[index];
    PGREST_ASSERT(listener.first_news == nothing);
    listener.pid = 0;
    listener.latch = nullptr;
    listener.wants_job = false;
}

void wake_listeners() {
    Shared& all = *shared();
    for (int i = 0; i < all.listener_count; ++i) {
        Latch* latch = nullptr;
        {
            const Locked locked(all.lock, Access::Shared);
            latch = all.listeners[i].latch;
        }
        set_if_any(latch);
    }
}

// ---------------------------------------------------------------- executor
bool enter_executor(int index, int pid, Latch* latch) {
    const Locked locked(shared()->lock);
    Executor& executor = shared()->executors[index];
    if (executor.state != ExecutorState::Empty) return false;
    PGREST_ASSERT(!executor.listed_idle && executor.job == nothing);
    executor.state = ExecutorState::Starting;
    executor.pid = pid;
    executor.latch = latch;
    executor.job = nothing;
    executor.wants_retirement = false;
    executor.due = false;
    executor.retire = false;
    executor.running = 0;
    executor.cancel_wanted = 0;
    executor.requests = 0;
    executor.started = executor.since = now();
    return true;
}

void executor_is_connected(int index) {
    {
        const Locked locked(shared()->lock);
        Executor& executor = shared()->executors[index];
        PGREST_ASSERT(executor.state == ExecutorState::Starting);
        executor.state = ExecutorState::Idle;
        executor.since = now();
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

bool leave_executor(int index, const LastWords& last_words) {
    Shared& all = *shared();
    Executor& executor = all.executors[index];
    if (executor.job != nothing) abandon_job(executor.job, last_words);
    Latch* replacement = nullptr;
    bool was_connected = false;
    {
        const Locked locked(all.lock);
        was_connected = executor.state == ExecutorState::Idle || executor.state == ExecutorState::Running;
        if (was_connected) --all.connected;
        PGREST_ASSERT(all.connected >= 0);
        replacement = unlist_and_pass_on(index);
        executor.failed = !was_connected;
        executor.state = ExecutorState::Empty;
        executor.pid = 0;
        executor.latch = nullptr;
        executor.since = now();
    }
    set_if_any(replacement);
    return was_connected;
}

// ---------------------------------------------------------------- why there is none
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
        const Locked locked(shared()->lock, Access::Shared);
        found.connected = shared()->connected > 0;
        if (!found.connected) copy_text(trouble, sizeof trouble, shared()->trouble);
    }
    found.trouble = trouble;
    return found;
}

}  // namespace pgrest::ipc

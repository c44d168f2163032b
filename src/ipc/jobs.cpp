#include "ipc/jobs.h"

#include "ipc/assert.h"
#include "ipc/chunks.h"
#include "ipc/stream.h"

namespace pgrest::ipc {

namespace {

// ---------------------------------------------------------------- lists, all under the lock
void append_to_queue(Shared& all, int index) {
    Job& job = all.jobs[index];
    PGREST_ASSERT(job.next == nothing && job.previous == nothing && all.first_queued != index);
    job.next = nothing;
    job.previous = all.last_queued;
    if (all.last_queued == nothing)
        all.first_queued = index;
    else
        all.jobs[all.last_queued].next = index;
    all.last_queued = index;
}

void put_first_in_queue(Shared& all, int index) {
    Job& job = all.jobs[index];
    PGREST_ASSERT(job.next == nothing && job.previous == nothing && all.first_queued != index);
    job.previous = nothing;
    job.next = all.first_queued;
    if (all.first_queued == nothing)
        all.last_queued = index;
    else
        all.jobs[all.first_queued].previous = index;
    all.first_queued = index;
}

// The oldest that the executor may take.
int first_for(const Shared& all, const Executor& executor) {
    int index = all.first_queued;
    while (index != nothing && all.jobs[index].wants_fresh && executor.requests > 0)
        index = all.jobs[index].next;
    return index;
}

void remove_from_queue(Shared& all, int index) {
    Job& job = all.jobs[index];
    PGREST_ASSERT(job.state == JobState::Queued);
    PGREST_ASSERT((job.previous == nothing ? all.first_queued : all.jobs[job.previous].next) == index);
    PGREST_ASSERT((job.next == nothing ? all.last_queued : all.jobs[job.next].previous) == index);
    if (job.previous == nothing)
        all.first_queued = job.next;
    else
        all.jobs[job.previous].next = job.next;
    if (job.next == nothing)
        all.last_queued = job.previous;
    else
        all.jobs[job.next].previous = job.previous;
    job.next = job.previous = nothing;
}

void list_idle(Shared& all, int index) {
    Executor& executor = all.executors[index];
    if (executor.listed_idle) return;
    executor.listed_idle = true;
    executor.previous_idle = nothing;
    executor.next_idle = all.first_idle;
    if (all.first_idle != nothing) all.executors[all.first_idle].previous_idle = index;
    all.first_idle = index;
}

// Returns the latch to set once the lock is released, or null when the listener has been told already.
Latch* add_news(Shared& all, int index) {
    Job& job = all.jobs[index];
    if (!job.listener_holds || job.in_news) return nullptr;
    Listener& listener = all.listeners[job.listener];
    const bool first = listener.first_news == nothing;
    job.in_news = true;
    job.next_news = nothing;
    if (first)
        listener.first_news = index;
    else
        all.jobs[listener.last_news].next_news = index;
    listener.last_news = index;
    return first ? listener.latch : nullptr;
}

void remove_from_news(Shared& all, int index) {
    Job& job = all.jobs[index];
    if (!job.in_news) return;
    Listener& listener = all.listeners[job.listener];
    int previous = nothing;
    for (int i = listener.first_news; i != index; i = all.jobs[i].next_news)
        previous = i;
    if (previous == nothing)
        listener.first_news = job.next_news;
    else
        all.jobs[previous].next_news = job.next_news;
    if (listener.last_news == index) listener.last_news = previous;
    job.in_news = false;
}

// Whoever frees a slot tells: it may have been another listener's.
void wake_those_without_job(Shared& all) {
    for (int i = 0; i < all.listener_count; ++i) {
        Listener& listener = all.listeners[i];
        if (!listener.wants_job) continue;
        listener.wants_job = false;
        set_if_any(listener.latch);
    }
}

void free_if_unheld(Shared& all, int index) {
    Job& job = all.jobs[index];
    if (job.listener_holds || job.executor_holds) return;
    PGREST_ASSERT(job.state != JobState::Free && !job.in_news && job.next == nothing && job.previous == nothing);
    free_chunk_list(job.request_chunks);
    job.request_chunks = nothing;
    free_stream(job.answer);
    job.state = JobState::Free;
    job.next = all.first_free_job;
    all.first_free_job = index;
    wake_those_without_job(all);
}

// The executor to wake once the lock is released.
Latch* release_held(Shared& all, int index) {
    Job& job = all.jobs[index];
    PGREST_ASSERT(job.listener_holds && job.state != JobState::Free);
    if (job.state == JobState::Queued) remove_from_queue(all, index);
    remove_from_news(all, index);
    job.listener_holds = false;
    job.abandoned = true;
    Latch* wake = nullptr;
    if (job.executor_holds && job.executor != nothing) wake = all.executors[job.executor].latch;
    free_if_unheld(all, index);
    return wake;
}

// The latch of an executor, to be set once the lock is released; null when there is no work or none sleeps. It is not
// idle any more, or the next job would wake the same one, and one of the two would wait although others sleep.
Latch* wake_first_idle_if_work(Shared& all) {
    const int index = all.first_idle;
    if (all.first_queued == nothing || index == nothing) return nullptr;
    unlist_idle(index);
    return all.executors[index].latch;
}

// Under the lock, where an executor gives up its number before it ends: the signal hits no stranger.
void cancel(Shared& all, const Job& job) {
    if (job.state != JobState::Running || job.executor == nothing) return;
    Executor& executor = all.executors[job.executor];
    executor.cancel_wanted = job.generation;
    if (executor.pid != 0) signal_cancel(executor.pid);
}

}  // namespace

// ---------------------------------------------------------------- listener
int hold_job(int listener) {
    Shared& all = *shared();
    const Locked locked(all.lock);
    const int index = all.first_free_job;
    all.listeners[listener].wants_job = index == nothing;
    if (index == nothing) return nothing;
    Job& job = all.jobs[index];
    PGREST_ASSERT(job.state == JobState::Free && !job.listener_holds && !job.executor_holds && !job.in_news);
    all.first_free_job = job.next;
    job.state = JobState::Held;
    job.listener_holds = true;
    job.executor_holds = false;
    job.in_news = false;
    job.listener = listener;
    job.executor = nothing;
    job.next = job.previous = job.next_news = nothing;
    job.generation = all.next_generation++;
    job.abandoned = false;
    job.inline_used = 0;
    job.head_bytes = job.body_bytes = 0;
    job.request_chunks = nothing;
    job.wants_fresh = false;
    job.ends_with_client = false;
    job.request_line[0] = '\0';
    job.failure_sqlstate[0] = '\0';
    job.failure_message[0] = job.failure_detail[0] = job.failure_hint[0] = '\0';
    reset_stream(job.answer);
    return index;
}

void submit_job(int index) {
    Shared& all = *shared();
    Latch* wake = nullptr;
    {
        const Locked locked(all.lock);
        PGREST_ASSERT(all.jobs[index].state == JobState::Held && all.jobs[index].listener_holds);
        all.jobs[index].state = JobState::Queued;
        append_to_queue(all, index);
        wake = wake_first_idle_if_work(all);
    }
    set_if_any(wake);
}

bool withdraw_job(int index) {
    Shared& all = *shared();
    const Locked locked(all.lock);
    Job& job = all.jobs[index];
    PGREST_ASSERT(job.listener_holds);
    if (job.state != JobState::Queued) return false;
    remove_from_queue(all, index);
    job.state = JobState::Held;
    return true;
}

void release_job(int index) {
    Shared& all = *shared();
    Latch* wake = nullptr;
    {
        const Locked locked(all.lock);
        wake = release_held(all, index);
    }
    set_if_any(wake);
}

void cancel_job(int index) {
    Shared& all = *shared();
    const Locked locked(all.lock);
    cancel(all, all.jobs[index]);
}

int collect_news(int index, int* jobs) {
    Shared& all = *shared();
    const Locked locked(all.lock);
    Listener& listener = all.listeners[index];
    int count = 0;
    for (int i = listener.first_news; i != nothing; i = all.jobs[i].next_news) {
        PGREST_ASSERT(all.jobs[i].in_news && all.jobs[i].listener_holds && all.jobs[i].listener == index);
        PGREST_ASSERT(count < all.job_count);
        all.jobs[i].in_news = false;
        jobs[count++] = i;
    }
    listener.first_news = listener.last_news = nothing;
    return count;
}

void wake_executor(int index) {
    Shared& all = *shared();
    Latch* wake = nullptr;
    {
        const Locked locked(all.lock);
        const Job& job = all.jobs[index];
        if (job.executor_holds && job.executor != nothing) wake = all.executors[job.executor].latch;
    }
    set_if_any(wake);
}

void forget_listener(int listener) {
    Shared& all = *shared();
    for (int index = 0; index < all.job_count; ++index) {
        Latch* wake = nullptr;
        {
            const Locked locked(all.lock);
            const Job& job = all.jobs[index];
            if (job.state == JobState::Free || !job.listener_holds || job.listener != listener) continue;
            if (job.ends_with_client) cancel(all, job);
            wake = release_held(all, index);
        }
        set_if_any(wake);
    }
    free_chunks_of_listener(listener);
}

// ---------------------------------------------------------------- executor
int take_job(int index) {
    Shared& all = *shared();
    const Microseconds since = now();
    const Locked locked(all.lock);
    Executor& executor = all.executors[index];
    PGREST_ASSERT(executor.state != ExecutorState::Empty && executor.job == nothing);
    const int taken = first_for(all, executor);
    if (taken == nothing) {
        list_idle(all, index);
        if (executor.state != ExecutorState::Idle) executor.since = since;
        executor.state = ExecutorState::Idle;
        return nothing;
    }
    unlist_idle(index);
    remove_from_queue(all, taken);
    Job& job = all.jobs[taken];
    job.state = JobState::Running;
    job.executor_holds = true;
    job.executor = index;
    executor.state = ExecutorState::Running;
    executor.since = since;
    executor.job = taken;
    return taken;
}

void give_back_job(int index) {
    Shared& all = *shared();
    Latch* wake = nullptr;
    {
        const Locked locked(all.lock);
        Job& job = all.jobs[index];
        PGREST_ASSERT(job.state == JobState::Running && all.executors[job.executor].job == index);
        all.executors[job.executor].job = nothing;
        job.executor_holds = false;
        job.executor = nothing;
        job.wants_fresh = true;
        job.state = job.listener_holds ? JobState::Queued : JobState::Done;
        if (job.listener_holds) put_first_in_queue(all, index);
        wake = add_news(all, index);
        free_if_unheld(all, index);
    }
    set_if_any(wake);
}

void unlist_idle(int index) {
    Shared& all = *shared();
    Executor& executor = all.executors[index];
    PGREST_ASSERT(holds(all.lock));
    if (!executor.listed_idle) return;
    PGREST_ASSERT((executor.previous_idle == nothing ? all.first_idle
                                                     : all.executors[executor.previous_idle].next_idle) == index);
    executor.listed_idle = false;
    if (executor.previous_idle == nothing)
        all.first_idle = executor.next_idle;
    else
        all.executors[executor.previous_idle].next_idle = executor.next_idle;
    if (executor.next_idle != nothing) all.executors[executor.next_idle].previous_idle = executor.previous_idle;
}

Latch* unlist_and_pass_on(int index) {
    Shared& all = *shared();
    unlist_idle(index);
    return wake_first_idle_if_work(all);
}

void step_aside(int index) {
    Latch* wake = nullptr;
    {
        const Locked locked(shared()->lock);
        wake = unlist_and_pass_on(index);
    }
    set_if_any(wake);
}

void tell_listener(int index) {
    Shared& all = *shared();
    Latch* wake = nullptr;
    {
        const Locked locked(all.lock);
        wake = add_news(all, index);
    }
    set_if_any(wake);
}

void finish_job(int index, StreamEnd end) {
    Shared& all = *shared();
    Latch* wake = nullptr;
    {
        const Locked locked(all.lock);
        Job& job = all.jobs[index];
        PGREST_ASSERT(job.state == JobState::Running && job.executor_holds && end != StreamEnd::Open);
        Executor& executor = all.executors[job.executor];
        PGREST_ASSERT(executor.job == index);
        executor.job = nothing;
        ++executor.requests;
        job.answer.end = end;
        job.state = JobState::Done;
        job.executor_holds = false;
        wake = add_news(all, index);
        free_if_unheld(all, index);
    }
    set_if_any(wake);
}

}  // namespace pgrest::ipc

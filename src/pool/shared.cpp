#include "pool/shared.h"

#include <new>

#include "settings/settings.h"

extern "C" {
#include <storage/ipc.h>
#include <storage/shmem.h>
}

namespace pgrest::pool {

namespace {

constexpr const char* tranche = "pgrest";
constexpr int lock_count = 3;

Shared* area = nullptr;
bool requested = false;
shmem_startup_hook_type previous_startup_hook = nullptr;
#if PG_VERSION_NUM >= 150000
shmem_request_hook_type previous_request_hook = nullptr;
#endif

using settings::Process;

int chunk_count() {
    return static_cast<int>(static_cast<std::size_t>(Process::body_memory_kb()) * 1024 / chunk_size);
}

// Places one array after the other.
class Layout {
public:
    std::size_t place(std::size_t size) {
        const std::size_t at = end_;
        end_ += (size + 63) / 64 * 64;
        return at;
    }
    std::size_t size() const { return end_; }

private:
    std::size_t end_ = 0;
};

struct Offsets {
    std::size_t shared, jobs, executors, listeners, chunks, chunk_bytes, total;
};

Offsets offsets() {
    Layout layout;
    Offsets at{};
    at.shared = layout.place(sizeof(Shared));
    at.jobs = layout.place(sizeof(Job) * static_cast<std::size_t>(Process::queue_size()));
    at.executors = layout.place(sizeof(Executor) * static_cast<std::size_t>(Process::workers()));
    at.listeners = layout.place(sizeof(Listener) * static_cast<std::size_t>(Process::listeners()));
    at.chunks = layout.place(sizeof(Chunk) * static_cast<std::size_t>(chunk_count()));
    at.chunk_bytes = layout.place(chunk_size * static_cast<std::size_t>(chunk_count()));
    at.total = layout.size();
    return at;
}

void request_memory() {
#if PG_VERSION_NUM >= 150000
    if (previous_request_hook) previous_request_hook();
#endif
    RequestAddinShmemSpace(offsets().total + 64);
    RequestNamedLWLockTranche(tranche, lock_count);
    requested = true;
}

void make_jobs(Shared& made) {
    for (int i = 0; i < made.job_count; ++i) {
        // leaves the room as it is: untouched memory costs nothing
        Job& job = *new (&made.jobs[i]) Job;
        job.next = i + 1 < made.job_count ? i + 1 : nothing;
    }
    made.first_free_job = 0;
}

void make_processes(Shared& made) {
    for (int i = 0; i < made.executor_count; ++i)
        new (&made.executors[i]) Executor;
    for (int i = 0; i < made.listener_count; ++i)
        new (&made.listeners[i]) Listener;
}

void make_chunks(Shared& made) {
    for (int i = 0; i < made.chunk_count; ++i)
        new (&made.chunks[i]) Chunk{i + 1 < made.chunk_count ? i + 1 : nothing, 0, false, nothing};
    made.first_free_chunk = 0;
    made.free_chunks = made.chunk_count;
}

void make(char* memory) {
    const Offsets at = offsets();
    Shared& made = *new (memory + at.shared) Shared;
    LWLockPadded* locks = GetNamedLWLockTranche(tranche);
    made.lock = &locks[0].lock;
    made.chunk_lock = &locks[1].lock;
    made.snapshot_lock = &locks[2].lock;
    made.job_count = Process::queue_size();
    made.executor_count = Process::workers();
    made.listener_count = Process::listeners();
    made.chunk_count = chunk_count();
    made.jobs = reinterpret_cast<Job*>(memory + at.jobs);
    made.executors = reinterpret_cast<Executor*>(memory + at.executors);
    made.listeners = reinterpret_cast<Listener*>(memory + at.listeners);
    made.chunks = reinterpret_cast<Chunk*>(memory + at.chunks);
    made.chunk_bytes = memory + at.chunk_bytes;
    make_jobs(made);
    make_processes(made);
    make_chunks(made);
}

// Called by the postmaster at start and again after a crash; without fork() by every process.
void start_up() {
    if (previous_startup_hook) previous_startup_hook();
    // a library behind this one has not passed it on, and PostgreSQL would not start for want of memory
    if (!requested) return;
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    void* memory = ShmemInitStruct("pgrest", offsets().total, &found);
    if (!found) make(static_cast<char*>(memory));
    area = static_cast<Shared*>(memory);
    LWLockRelease(AddinShmemInitLock);
}

}  // namespace

Shared* shared() {
    return area;
}

void install_shared_memory() {
#if PG_VERSION_NUM >= 150000
    previous_request_hook = shmem_request_hook;
    shmem_request_hook = request_memory;
#else
    request_memory();
#endif
    previous_startup_hook = shmem_startup_hook;
    shmem_startup_hook = start_up;
}

}  // namespace pgrest::pool

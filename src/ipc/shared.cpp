#include "ipc/shared.h"

#include <new>

namespace pgrest::ipc {

namespace {

Shared* attached = nullptr;

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

Offsets offsets(const Sizes& sizes) {
    Layout layout;
    Offsets at{};
    at.shared = layout.place(sizeof(Shared));
    at.jobs = layout.place(sizeof(Job) * static_cast<std::size_t>(sizes.jobs));
    at.executors = layout.place(sizeof(Executor) * static_cast<std::size_t>(sizes.executors));
    at.listeners = layout.place(sizeof(Listener) * static_cast<std::size_t>(sizes.listeners));
    at.chunks = layout.place(sizeof(Chunk) * static_cast<std::size_t>(sizes.chunks));
    at.chunk_bytes = layout.place(chunk_size * static_cast<std::size_t>(sizes.chunks));
    at.total = layout.size();
    return at;
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
        new (&made.chunks[i]) Chunk{.next = i + 1 < made.chunk_count ? i + 1 : nothing};
    made.first_free_chunk = 0;
    made.free_chunks = made.chunk_count;
}

}  // namespace

std::size_t shared_size(const Sizes& sizes) {
    return offsets(sizes).total;
}

Shared* make_shared(char* memory, const Sizes& sizes, LWLock* lock, LWLock* chunk_lock, LWLock* snapshot_lock) {
    const Offsets at = offsets(sizes);
    Shared& made = *new (memory + at.shared) Shared;
    made.lock = lock;
    made.chunk_lock = chunk_lock;
    made.snapshot_lock = snapshot_lock;
    made.job_count = sizes.jobs;
    made.executor_count = sizes.executors;
    made.listener_count = sizes.listeners;
    made.chunk_count = sizes.chunks;
    made.jobs = reinterpret_cast<Job*>(memory + at.jobs);
    made.executors = reinterpret_cast<Executor*>(memory + at.executors);
    made.listeners = reinterpret_cast<Listener*>(memory + at.listeners);
    made.chunks = reinterpret_cast<Chunk*>(memory + at.chunks);
    made.chunk_bytes = memory + at.chunk_bytes;
    make_jobs(made);
    make_processes(made);
    make_chunks(made);
    return &made;
}

Shared* shared() {
    return attached;
}

void attach(Shared* made) {
    attached = made;
}

}  // namespace pgrest::ipc

// What the processes of pgrest share: one structure in PostgreSQL's main shared memory, made by the postmaster and made
// anew after a crash. Everything here is plain data; who may touch what is said beside it. The operations are in jobs.h
// (requests on their way), chunks.h and stream.h (bodies), processes.h (who is there), question.h (settings that are
// kept in the database) and pool/snapshot.h (the configuration).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ipc/port.h"

namespace pgrest::ipc {

// A request and later its answer find room in the slot itself when they are small, as most are.
inline constexpr std::size_t inline_size = 16 * 1024;
// Larger ones continue in chunks.
inline constexpr std::size_t chunk_size = 64 * 1024;
inline constexpr std::size_t snapshot_size = 256 * 1024;
inline constexpr std::size_t database_settings_size = 128 * 1024;
inline constexpr std::size_t name_size = 64;  // PostgreSQL's NAMEDATALEN

inline constexpr int nothing = -1;  // end of a list of indexes

enum class ChunkHolder : int { Nobody, Listener, Job };

// A body chunk; its bytes lie apart. Chunks of one message form a list.
struct Chunk {
    ChunkHolder holder = ChunkHolder::Nobody;
    int next = nothing;
    std::uint32_t used = 0;  // bytes, of requests; an answer is counted as a whole
    bool upload = false;     // counts against the share of requests
    int listener = nothing;  // who holds it while no job does
};

enum class StreamEnd : int { Open, Complete, Broken };

// The bytes of an answer from one executor (produces) to one listener (consumes): first the slot's inline room, then
// chunks. The counters are of all bytes since the beginning.
struct Stream {
    std::atomic<std::uint64_t> produced{};
    std::atomic<std::uint64_t> consumed{};
    std::atomic<StreamEnd> end{};
    std::atomic<bool> producer_waits{};  // wants its latch set when something has been consumed
    int after_room = nothing;            // the producer's: first chunk
    int reading = nothing;               // the consumer's: the chunk that it reads, nothing = still the room
};

enum class JobState : int {
    Free,
    Held,     // a listener fills it
    Queued,   // waits for an executor
    Running,  // an executor works on it
    Done,     // the executor has let go of it
};

// One request on its way. Under the lock: state, the holders, the links. Everything else belongs to whoever the state
// says, save the atomics.
struct Job {
    JobState state = JobState::Free;
    bool listener_holds = false;
    bool executor_holds = false;
    bool in_news = false;
    int listener = nothing;
    int executor = nothing;
    int next = nothing, previous = nothing;  // queue or free list
    int next_news = nothing;
    std::uint64_t generation = 0;   // of this use of the slot; never 0
    std::atomic<bool> abandoned{};  // nobody waits for the answer any more

    // the request, written before it is queued
    std::uint32_t inline_used = 0;
    std::uint64_t head_bytes = 0;
    std::uint64_t body_bytes = 0;
    int request_chunks = nothing;
    std::atomic<bool> wants_fresh{};  // only an executor that has run nothing yet may take it
    bool ends_with_client = false;    // it is cancelled when its client goes away
    char request_line[200] = {};      // method and path, for people

    // the answer
    Stream answer;
    char failure_sqlstate[6] = {};  // why the executor ended without one, "" = unknown
    // "" = none; untouched, so that they cost no memory, until there is one
    char failure_message[2049];
    char failure_detail[2049];
    char failure_hint[2049];

    alignas(64) char room[inline_size];
};

enum class ExecutorState : int { Empty, Starting, Idle, Running };

// Under the lock, save the atomics.
struct Executor {
    ExecutorState state = ExecutorState::Empty;
    int pid = 0;
    Latch* latch = nullptr;
    int job = nothing;
    bool listed_idle = false;
    int next_idle = nothing, previous_idle = nothing;
    bool failed = false;  // the last one ended before it was connected
    Microseconds since = 0;
    Microseconds started = 0;
    std::uint64_t epoch = 0;  // the reload that it started after
    std::uint64_t requests = 0;
    std::atomic<bool> wants_retirement{};        // holds too much memory
    std::atomic<bool> due{};                     // to be replaced when it is its turn
    std::atomic<bool> retire{};                  // takes no further job and ends
    std::atomic<std::uint64_t> running{};        // generation of the job whose statements run, 0 = none
    std::atomic<std::uint64_t> cancel_wanted{};  // generation of the job that shall be cancelled
};

struct Listener {
    int pid = 0;
    Latch* latch = nullptr;
    int first_news = nothing, last_news = nothing;  // jobs of this listener that something has happened to
    bool wants_job = false;                         // found the job table full
    int upload_chunks = 0;                          // held by unfinished requests; under chunk_lock
    std::atomic<bool> gives_way{};                  // another one wants the slowest upload to end
    Microseconds since = 0;
    std::atomic<std::uint64_t> requests{};
};

enum class Readiness : int {
    Unknown,  // the launcher has not looked yet
    Serving,
    Refused,  // the settings cannot be served
};

struct Snapshot {
    std::atomic<std::uint64_t> generation{};  // 0 = none yet
    std::size_t size = 0;
    char bytes[snapshot_size];
};

// What the database says about the configuration (auth.md section 13): asked for by the launcher, read by an executor.
struct DatabaseSettings {
    std::atomic<std::uint64_t> wanted{};     // number of the last question
    std::atomic<std::uint64_t> claimed{};    // an executor is at it
    std::atomic<std::uint64_t> delivered{};  // its answer is below
    char function[2 * name_size + 2] = {};
    char problem[512] = {};  // "" = none
    std::size_t size = 0;
    char bytes[database_settings_size];
};

struct Shared {
    LWLock* lock = nullptr;           // jobs, executors, listeners, what is below
    LWLock* chunk_lock = nullptr;     // the list of free chunks
    LWLock* snapshot_lock = nullptr;  // the bytes of the snapshot and of the settings in the database

    // ---- under lock
    int launcher_pid = 0;
    Latch* launcher_latch = nullptr;
    Microseconds launcher_since = 0;
    bool paused = false;
    int executors_left = nothing;  // while paused: ordered or there; nothing: the launcher has yet to say
    char trouble[512] = {};        // why no executor is connected, "" = none known
    int first_queued = nothing, last_queued = nothing;
    int first_free_job = nothing;
    int first_idle = nothing;
    std::atomic<int> connected{};  // executors that are idle or running; written under the lock
    std::uint64_t next_generation = 1;

    std::atomic<int> bound_port{};  // of the first listener, 0 until it has opened its socket
    std::atomic<Readiness> readiness{};
    std::atomic<std::uint64_t> trouble_changes{};

    // ---- under chunk_lock
    int first_free_chunk = nothing;
    int free_chunks = 0;
    int upload_chunks = 0;  // held by requests

    // Settings of roles and functions that even a fresh session refuses: a hash of each at a place that the hash
    // decides.
    std::atomic<std::uint64_t> refused_settings[64]{};

    Snapshot snapshot;
    DatabaseSettings database_settings;

    // ---- sizes, and where the arrays lie
    int job_count = 0;
    int executor_count = 0;
    int listener_count = 0;
    int chunk_count = 0;
    Job* jobs = nullptr;
    Executor* executors = nullptr;
    Listener* listeners = nullptr;
    Chunk* chunks = nullptr;
    char* chunk_bytes = nullptr;
};

// Null when the library was not preloaded, or another one kept its hooks from being called.
Shared* shared();

// How many there are of each.
struct Sizes {
    int jobs = 0;
    int executors = 0;
    int listeners = 0;
    int chunks = 0;
};

// What make_shared() needs.
std::size_t shared_size(const Sizes& sizes);

// Makes it in this memory, which need not be cleared: what nobody touches costs nothing.
Shared* make_shared(char* memory, const Sizes& sizes, LWLock* lock, LWLock* chunk_lock, LWLock* snapshot_lock);

// What shared() is in this process from now on.
void attach(Shared* made);

inline char* bytes_of_chunk(int chunk) {
    return shared()->chunk_bytes + static_cast<std::size_t>(chunk) * chunk_size;
}

}  // namespace pgrest::ipc

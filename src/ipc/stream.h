// The two ends of an answer on its way through shared memory. Neither waits: they say how much went through, and their
// owners wait in their own way. One process each; no lock, save for taking and freeing chunks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/shared.h"

namespace pgrest::ipc {

enum class Room {
    Here,
    ClientIsSlow,  // as much as may wait for the client does
    NoMemory,      // others hold it
};

// The executor's end. No destructor: it lives across PostgreSQL's longjmp.
class StreamWriter {
public:
    // window: how many bytes may wait for the client.
    void begin(int job, std::uint64_t window);
    void set_window(std::uint64_t window) { window_ = window; }

    // Whether at least one byte can be written: what write_some() goes by, and who waits.
    Room find_room();
    // Copies what there is room for and returns how many bytes that was.
    std::size_t write_some(const char* data, std::size_t size);
    // From now on, or from the next call on, the reader sets this process's latch when it has taken something. What it
    // took before nobody tells, so find_room() comes after this and before every sleep.
    void announce_wait() { job_->answer.producer_waits.store(true, std::memory_order_seq_cst); }
    void end_wait() { job_->answer.producer_waits.store(false, std::memory_order_relaxed); }

    // Nothing was filled up since: the other end need not be told yet.
    bool filled_up() const { return filled_up_; }
    void told() { filled_up_ = false; }
    std::uint64_t consumed() const { return job_->answer.consumed.load(std::memory_order_seq_cst); }

private:
    char* buffer() const;
    std::size_t capacity() const;
    Room open_next_buffer();

    Job* job_ = nullptr;
    int chunk_ = nothing;  // nothing = the job's room
    std::size_t offset_ = 0;
    std::uint64_t produced_ = 0;
    std::uint64_t window_ = 0;
    bool filled_up_ = false;
};

// The listener's end.
class StreamReader {
public:
    void begin(int job);
    // Wakes the executor when it waits for this.
    std::size_t read_some(char* to, std::size_t size);
    std::uint64_t available() const;
    // To be asked before available() or read_some(): what was produced before the end is then seen.
    StreamEnd end() const;

private:
    const char* buffer() const;
    std::size_t capacity() const;
    void open_next_buffer();

    int index_ = nothing;
    Job* job_ = nullptr;
    int chunk_ = nothing;
    std::size_t offset_ = 0;
    std::uint64_t consumed_ = 0;
};

// Prepares the job's stream for a new answer; both ends then begin().
void reset_stream(Stream& stream);

// Frees what no one has read. Only when neither end is in use any more.
void free_stream(Stream& stream);

}  // namespace pgrest::ipc

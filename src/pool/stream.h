// The two ends of an answer on its way through shared memory. Neither waits: they say how much went through, and their
// owners wait in their own way. One process each; no lock, save for taking and freeing chunks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pool/shared.h"

namespace pgrest::pool {

// The executor's end. No destructor: it lives across PostgreSQL's longjmp.
class StreamWriter {
public:
    // window: how many bytes may wait for the client.
    void begin(Job& job, std::uint64_t window);
    void set_window(std::uint64_t window) { window_ = window; }

    // Copies what there is room for and returns how many bytes that was; 0 = wait for the client.
    std::size_t write_some(const char* data, std::size_t size);
    // Nothing was filled up since: the other end need not be told yet.
    bool filled_up() const { return filled_up_; }
    void told() { filled_up_ = false; }
    // After 0 bytes: true when it is memory that is lacking and not the client who is slow.
    bool out_of_memory() const { return out_of_memory_; }
    std::uint64_t produced() const { return produced_; }

private:
    char* buffer() const;
    std::size_t capacity() const;
    bool open_next_buffer();

    Job* job_ = nullptr;
    int chunk_ = nothing;  // nothing = the job's room
    std::size_t offset_ = 0;
    std::uint64_t produced_ = 0;
    std::uint64_t window_ = 0;
    bool filled_up_ = false;
    bool out_of_memory_ = false;
};

// The listener's end.
class StreamReader {
public:
    void begin(Job& job);
    std::size_t read_some(char* to, std::size_t size);
    std::uint64_t available() const;
    StreamEnd end() const;
    // The producer has finished and everything has been read.
    bool exhausted() const;
    // The producer waits for what was just read; its latch is to be set.
    bool producer_waits();

private:
    const char* buffer() const;
    std::size_t capacity() const;
    void open_next_buffer();

    Job* job_ = nullptr;
    int chunk_ = nothing;
    std::size_t offset_ = 0;
    std::uint64_t consumed_ = 0;
};

// Prepares the job's stream for a new answer; both ends then begin().
void reset_stream(Stream& stream);

// Frees what no one has read. Only when neither end is in use any more.
void free_stream(Stream& stream);

}  // namespace pgrest::pool

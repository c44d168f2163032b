// The system of ipc/port.h for tests: locks and latches of threads, a clock that can be moved, and random pauses at
// every place where another process could come in between.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "ipc/shared.h"

struct LWLock {
    std::shared_mutex mutex;
};

struct Latch {
    void set();
    void reset();
    bool is_set();
    // False when it was not set in that time.
    bool wait(std::chrono::milliseconds longest);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

namespace pgrest::ipc::testing {

// Called at every lock, unlock and setting of a latch, by whichever thread. Empty = nothing happens.
inline std::function<void()> at_every_step;

// at_every_step for tests with threads: from time to time another thread gets its turn.
void pause_at_random();

// Called by signal_cancel().
inline std::function<void(int)> on_cancel;

// What now() adds to the real time.
inline std::atomic<Microseconds> clock_offset{};

// Shared memory of its own, as long as this lives.
class Memory {
public:
    explicit Memory(const Sizes& sizes);
    ~Memory();

private:
    LWLock locks_[3];
    std::unique_ptr<char[]> bytes_;
};

// How many jobs are free, by their list.
int free_jobs();

}  // namespace pgrest::ipc::testing

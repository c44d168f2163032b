// An executor's answer into its job's stream, with the waiting for a client that is slower. No destructor, here or at
// the pauses: errors of PostgreSQL pass through.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/stream.h"

namespace pgrest::ipc {

// How a process waits, and what it says when that was in vain. Each function may raise.
class Pauses {
public:
    // Until the latch of this process is set, or so long at most. The latch is reset afterwards.
    virtual void sleep(long milliseconds) = 0;
    // How long an answer may stand still.
    virtual int most_seconds() = 0;

    // None of these returns.
    virtual void client_has_gone() = 0;
    virtual void client_takes_nothing(int seconds) = 0;
    virtual void memory_is_lacking(int seconds) = 0;

protected:
    ~Pauses() = default;
};

class AnswerWriter {
public:
    AnswerWriter(int job, Pauses& pauses);

    // What is written from here on may be only so far ahead of the client. Before that, what is complete may wait
    // whole.
    void stream() { writer_.set_window(streaming_window); }
    void write(const char* data, std::size_t size);

private:
    static constexpr std::uint64_t streaming_window = 4 * 1024 * 1024;

    void tell();
    void wait_for_room();
    void give_up(Room lacking, Microseconds since);

    int index_;
    Pauses& pauses_;
    StreamWriter writer_;
};

}  // namespace pgrest::ipc

#include "ipc/answer_writer.h"

#include "ipc/jobs.h"

namespace pgrest::ipc {

namespace {

constexpr std::uint64_t no_window = UINT64_MAX;

// Nobody says when another answer gives memory back.
constexpr long memory_interval = 50;
// The latch is set for everything else; this is only how soon a standstill is noticed.
constexpr long client_interval = 1000;

}  // namespace

AnswerWriter::AnswerWriter(int job, Pauses& pauses) : index_(job), pauses_(pauses) {
    writer_.begin(job, no_window);
}

void AnswerWriter::write(const char* data, std::size_t size) {
    while (size > 0) {
        const std::size_t taken = writer_.write_some(data, size);
        data += taken;
        size -= taken;
        if (taken == 0) wait_for_room();
    }
    if (writer_.filled_up()) tell();
    if (shared()->jobs[index_].abandoned) pauses_.client_has_gone();
}

void AnswerWriter::tell() {
    tell_listener(index_);
    writer_.told();
}

void AnswerWriter::wait_for_room() {
    tell();
    std::uint64_t consumed = writer_.consumed();
    Microseconds since = now();
    for (;;) {
        writer_.announce_wait();
        if (shared()->jobs[index_].abandoned) pauses_.client_has_gone();
        const Room room = writer_.find_room();
        if (room == Room::Here) break;
        if (const std::uint64_t by_now = writer_.consumed(); by_now != consumed) {
            consumed = by_now;
            since = now();
        }
        give_up(room, since);
        pauses_.sleep(room == Room::NoMemory ? memory_interval : client_interval);
    }
    writer_.end_wait();
}

// The listener judges the client, in steps of 16 kB, and takes 64 kB at a time. This is for when that is of no help.
void AnswerWriter::give_up(Room lacking, Microseconds since) {
    const int seconds = pauses_.most_seconds();
    if (now() - since < seconds * Microseconds{1000000}) return;
    if (lacking == Room::NoMemory)
        pauses_.memory_is_lacking(seconds);
    else
        pauses_.client_takes_nothing(seconds);
}

}  // namespace pgrest::ipc

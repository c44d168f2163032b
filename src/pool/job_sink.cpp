#include "pool/job_sink.h"

#include "http/wire.h"
#include "pg/guard.h"
#include "pg/memory_bound.h"
#include "pool/jobs.h"
#include "pool/process.h"
#include "settings/settings.h"

extern "C" {
#include <pgstat.h>
#include <storage/latch.h>
#include <utils/timestamp.h>
}

namespace pgrest::pool {

namespace {

// How much of an answer may wait for its client while the rest is being made. What is complete already may wait whole.
constexpr std::uint64_t streaming_window = 4 * 1024 * 1024;
constexpr std::uint64_t no_window = UINT64_MAX;

void raise_if_abandoned(const Job& job) {
    if (!job.abandoned) return;
    ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE), errmsg("the client has gone away")));
}

// What no listener's connection has room for. It is not written, since it would have to be in shared memory as a whole
// before the listener begins to read it, and might use up all of that.
constexpr std::size_t largest_head = 96 * 1024;

std::string head_of(int status, std::string_view reason, const http::Headers& headers,
                    std::optional<std::uint64_t> content_length) {
    std::string head = http::wire::encode_answer_head(status, reason, headers, content_length);
    if (head.size() <= largest_head) return head;
    return http::wire::encode_answer_head(status < 400 ? http::wire::headers_too_large : status, {}, {},
                                          content_length);
}

// The listener judges the client, in steps of 16 kB, and takes 64 kB at a time. This is for when that is of no help:
// the memory that this answer waits for is held by others.
void raise_if_stalled(TimestampTz since) {
    const int seconds = 4 * settings::Process::send_timeout() / 1000;
    if (!TimestampDifferenceExceeds(since, GetCurrentTimestamp(), seconds * 1000)) return;
    ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE), errmsg("the client took nothing for %d seconds", seconds)));
}

}  // namespace

JobSink::JobSink(int job) : index_(job) {
    writer_.begin(shared()->jobs[job], no_window);
}

void JobSink::start(int status, std::string_view reason, const http::Headers& headers,
                    std::optional<std::uint64_t> content_length) {
    started_ = true;
    if (!content_length) writer_.set_window(streaming_window);
    // a whole answer only becomes smaller from now on
    if (content_length) pg::unwatch_memory();
    const std::string head = head_of(status, reason, headers, content_length);
    const std::uint64_t size = head.size();
    const char* bytes = head.data();
    pg::guarded([this, size, bytes] {
        write(reinterpret_cast<const char*>(&size), sizeof size);
        write(bytes, size);
    });
}

// No destructor lives here: errors pass through.
void JobSink::write(const char* data, std::size_t size) {
    const Job& job = shared()->jobs[index_];
    while (size > 0) {
        const std::size_t taken = writer_.write_some(data, size);
        data += taken;
        size -= taken;
        if (taken == 0) wait_for_client();
    }
    if (writer_.filled_up()) {
        tell_listener(index_);
        writer_.told();
    }
    raise_if_abandoned(job);
}

void JobSink::wait_for_client() {
    Job& job = shared()->jobs[index_];
    tell_listener(index_);
    writer_.told();
    const std::uint64_t consumed = job.answer.consumed.load();
    const TimestampTz since = GetCurrentTimestamp();
    for (;;) {
        job.answer.producer_waits.store(true, std::memory_order_seq_cst);
        raise_if_abandoned(job);
        if (job.answer.consumed.load(std::memory_order_seq_cst) != consumed) return;
        // nobody says when another answer gives memory back
        const long patience = writer_.out_of_memory() ? 50 : 1000;
        const int events =
            WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, patience, wait_event(Wait::ForClient));
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        if (writer_.out_of_memory() && (events & WL_TIMEOUT)) return;
        raise_if_stalled(since);
    }
}

}  // namespace pgrest::pool

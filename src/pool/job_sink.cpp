#include "pool/job_sink.h"

#include "http/wire.h"
#include "pg/guard.h"
#include "pg/memory_bound.h"
#include "pool/process.h"
#include "settings/settings.h"

extern "C" {
#include <pgstat.h>
#include <storage/latch.h>
}

namespace pgrest::pool {

namespace {

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

}  // namespace

void JobSink::start(int status, std::string_view reason, const http::Headers& headers,
                    std::optional<std::uint64_t> content_length) {
    started_ = true;
    if (!content_length) writer_.stream();
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

// What came before the latch was last reset is looked at first.
void JobSink::sleep(long milliseconds) {
    CHECK_FOR_INTERRUPTS();
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
                    wait_event(Wait::ForClient));
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
}

int JobSink::most_seconds() {
    return (4 * settings::Process::send_timeout() + 999) / 1000;
}

void JobSink::client_has_gone() {
    ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE), errmsg("the client has gone away")));
}

void JobSink::client_takes_nothing(int seconds) {
    ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE), errmsg("the client took nothing for %d seconds", seconds)));
}

void JobSink::memory_is_lacking(int seconds) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("the answer got no memory for %d seconds", seconds),
                    errhint("pgrest.body_memory is what all requests and answers on their way share.")));
}

}  // namespace pgrest::pool

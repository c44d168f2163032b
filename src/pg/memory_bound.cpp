#include "pg/memory_bound.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "pg/postgres.h"

extern "C" {
#include "access/xact.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
}

namespace pgrest::pg {

namespace {

constexpr long kTick = 10000;  // microseconds of processor time

// What an error needs beyond the bound to be caught, rolled back and told.
constexpr std::size_t kReserve = 4 * 1024 * 1024;

std::size_t page_size = 4096;
rlim_t limit_of_start = RLIM_INFINITY;

// Read by the signal handler.
std::atomic<std::size_t> cancel_above{SIZE_MAX};
std::atomic<bool> watching{false};
std::atomic<bool> too_much{false};

std::size_t hard_limit = 0;  // 0: none
bool suspended = false;
std::size_t unused_at_start = 0;
bool bounded_before = false;
bool met = false;
bool torn = false;

// The numbers of /proc/self/statm, in pages; proc_pid_statm(5). Only what a signal handler may do.
bool read_statm(std::size_t (&numbers)[6]) {
    const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    char text[128];
    const ssize_t length = read(file, text, sizeof text);
    close(file);
    std::size_t known = 0;
    numbers[0] = 0;
    for (ssize_t i = 0; i < length && known < 6; ++i) {
        if (text[i] >= '0' && text[i] <= '9')
            numbers[known] = numbers[known] * 10 + static_cast<std::size_t>(text[i] - '0');
        else if (++known < 6)
            numbers[known] = 0;
    }
    return known >= 6;
}

void on_tick(SIGNAL_ARGS) {
    (void)postgres_signal_arg;
    if (!watching) return;
    const int saved = errno;
    std::size_t pages[6];
    if (read_statm(pages)) {
        if ((pages[1] - pages[2]) * page_size > cancel_above) {
            too_much = true;
            InterruptPending = true;
            QueryCancelPending = true;
        }
    }
    errno = saved;
}

void set_limit(rlim_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
    if (limit_of_start != RLIM_INFINITY && wanted > limit_of_start) wanted = limit_of_start;
    if (limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max) wanted = limit.rlim_max;
    if (limit.rlim_cur == wanted) return;
    limit.rlim_cur = wanted;
    (void)setrlimit(RLIMIT_DATA, &limit);
}

// Deferred triggers have run by then.
void at_transaction_event(XactEvent event, void*) {
    if (event != XACT_EVENT_PRE_COMMIT || hard_limit == 0 || !TransactionIdIsValid(GetTopTransactionIdIfAny())) return;
    set_limit(limit_of_start);
    suspended = true;
}

}  // namespace

std::optional<OwnMemory> own_memory() {
    std::size_t pages[6];
    if (!read_statm(pages) || pages[1] < pages[2]) return {};
    return OwnMemory{(pages[1] - pages[2]) * page_size, pages[5] * page_size};
}

void start_memory_watch() {
    page_size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) == 0) limit_of_start = limit.rlim_cur;
    pqsignal(SIGPROF, on_tick);
    const struct itimerval every = {{0, kTick}, {0, kTick}};
    (void)setitimer(ITIMER_PROF, &every, nullptr);
    RegisterXactCallback(at_transaction_event, nullptr);
}

void bound_memory(std::optional<std::size_t> most) {
    too_much = false;
    met = torn = suspended = false;
    const auto held = own_memory();
    if (!most || !held) {
        cancel_above = SIZE_MAX;
        hard_limit = 0;
        set_limit(limit_of_start);
        return;
    }
    // What is mapped and not in memory is free heap between pieces that stay. It is used before more is mapped.
    const std::size_t unused = held->mapped > held->resident ? held->mapped - held->resident : 0;
    if (!bounded_before) unused_at_start = unused;
    bounded_before = true;
    const std::size_t holes = unused > unused_at_start ? unused - unused_at_start : 0;
    torn = holes > *most / 2;
    cancel_above = held->resident + *most / 8 * 7;
    hard_limit = held->mapped + *most - std::min(holes, *most / 4 * 3);
    set_limit(hard_limit);
}

void watch_memory() {
    if (suspended) set_limit(hard_limit);
    suspended = false;
    too_much = false;
    watching = true;
}

void unwatch_memory() {
    watching = false;
    // an answer that is complete is not cut off by what was seen a moment before
    if (too_much) QueryCancelPending = false;
}

void lift_memory_bound() {
    met = true;
    if (hard_limit > 0 && !suspended) set_limit(hard_limit + kReserve);
}

bool memory_bound_was_met() {
    return met;
}

bool heap_is_torn() {
    return torn;
}

void explain_memory_error(http::DatabaseError& error) {
    if (too_much && error.sqlstate == "57014") {
        error.sqlstate = "53200";
        error.message = "the request needs more memory than pgrest.request_memory allows";
        error.detail.reset();
        error.hint.reset();
    }
    if (error.sqlstate == "53200") lift_memory_bound();
}

}  // namespace pgrest::pg

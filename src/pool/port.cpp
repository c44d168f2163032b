// Locks, latches, the signal and the clock of ipc/port.h: PostgreSQL's.
#include "ipc/port.h"

#include <csignal>

#include "ipc/assert.h"
#include "pg/postgres.h"

extern "C" {
#include <storage/latch.h>
#include <storage/lwlock.h>
#include <utils/timestamp.h>
}

namespace pgrest::ipc {

void acquire(LWLock* lock, Access access) {
    LWLockAcquire(lock, access == Access::Shared ? LW_SHARED : LW_EXCLUSIVE);
}

void release(LWLock* lock) {
    LWLockRelease(lock);
}

bool holds(LWLock* lock) {
    return LWLockHeldByMe(lock);
}

void set_latch(Latch* latch) {
    SetLatch(latch);
}

void signal_cancel(int pid) {
    kill(pid, SIGUSR2);
}

Microseconds now() {
    return GetCurrentTimestamp();
}

void assertion_failed(const char* condition, const char* file, int line) {
#if PG_VERSION_NUM >= 160000
    ExceptionalCondition(condition, file, line);
#else
    ExceptionalCondition(condition, "FailedAssertion", file, line);
#endif
}

}  // namespace pgrest::ipc

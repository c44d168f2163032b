// What the processes need of the system to work together: locks, latches, a signal, a clock. Declared here by their
// names alone, so that everything in this folder compiles without a server. A server has PostgreSQL's (pool/port.cpp),
// the tests have those of threads (test/unit/ipc_port.cpp).
#pragma once

#include <cstdint>

struct LWLock;
struct Latch;

namespace pgrest::ipc {

enum class Access { Exclusive, Shared };

void acquire(LWLock* lock, Access access);
void release(LWLock* lock);
bool holds(LWLock* lock);  // for PGREST_ASSERT

// Whoever sets a latch has made its change before; whoever waits resets it and then looks at everything again.
void set_latch(Latch* latch);
inline void set_if_any(Latch* latch) {
    if (latch) set_latch(latch);
}

// An executor looks whether its running job is the one that shall be cancelled.
void signal_cancel(int pid);

using Microseconds = std::int64_t;  // since the year 2000, as PostgreSQL counts
Microseconds now();

// Holds a lock for a few instructions. Nothing that can raise happens under it.
class Locked {
public:
    explicit Locked(LWLock* lock, Access access = Access::Exclusive) : lock_(lock) { acquire(lock_, access); }
    ~Locked() { release(lock_); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

private:
    LWLock* lock_;
};

}  // namespace pgrest::ipc

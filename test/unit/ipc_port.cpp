#include "ipc_port.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "ipc/assert.h"

// ---------------------------------------------------------------- latches
void Latch::set() {
    const std::lock_guard guard(mutex_);
    set_ = true;
    changed_.notify_all();
}

void Latch::reset() {
    const std::lock_guard guard(mutex_);
    set_ = false;
}

bool Latch::is_set() {
    const std::lock_guard guard(mutex_);
    return set_;
}

bool Latch::wait(std::chrono::milliseconds longest) {
    std::unique_lock guard(mutex_);
    return changed_.wait_until(guard, std::chrono::system_clock::now() + longest, [this] { return set_; });
}

namespace pgrest::ipc {

namespace {

thread_local std::vector<LWLock*> held;

void step() {
    if (testing::at_every_step) testing::at_every_step();
}

}  // namespace

void acquire(LWLock* lock, Access access) {
    step();
    if (access == Access::Shared)
        lock->mutex.lock_shared();
    else
        lock->mutex.lock();
    held.push_back(lock);
    // one that is taken for reading only is given back in the same way
    if (access == Access::Shared) held.push_back(nullptr);
}

void release(LWLock* lock) {
    const bool is_shared = !held.empty() && !held.back();
    if (is_shared) held.pop_back();
    PGREST_ASSERT(!held.empty() && held.back() == lock);
    held.pop_back();
    if (is_shared)
        lock->mutex.unlock_shared();
    else
        lock->mutex.unlock();
    step();
}

bool holds(LWLock* lock) {
    return std::find(held.begin(), held.end(), lock) != held.end();
}

void set_latch(Latch* latch) {
    step();
    latch->set();
    step();
}

void signal_cancel(int pid) {
    if (testing::on_cancel) testing::on_cancel(pid);
}

Microseconds now() {
    using namespace std::chrono;
    return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count() + testing::clock_offset;
}

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "assertion failed: %s (%s:%d)\n", condition, file, line);
    std::abort();
}

namespace testing {

void pause_at_random() {
    thread_local std::minstd_rand random{std::random_device{}()};
    const auto dice = random() % 100;
    if (dice < 10) std::this_thread::yield();
    if (dice == 99) std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
}

Memory::Memory(const Sizes& sizes) : bytes_(new char[shared_size(sizes) + 64]) {
    auto* begin = reinterpret_cast<char*>((reinterpret_cast<std::uintptr_t>(bytes_.get()) + 63) / 64 * 64);
    attach(make_shared(begin, sizes, &locks_[0], &locks_[1], &locks_[2]));
}

Memory::~Memory() {
    attach(nullptr);
    at_every_step = nullptr;
    on_cancel = nullptr;
    clock_offset = 0;
}

int free_jobs() {
    int count = 0;
    for (int job = shared()->first_free_job; job != nothing; job = shared()->jobs[job].next)
        ++count;
    return count;
}

}  // namespace testing

}  // namespace pgrest::ipc

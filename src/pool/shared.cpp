#include "pool/shared.h"

#include "ipc/shared.h"
#include "pg/postgres.h"
#include "settings/settings.h"

extern "C" {
#include <storage/ipc.h>
#include <storage/lwlock.h>
#include <storage/shmem.h>
}

namespace pgrest::pool {

namespace {

constexpr const char* tranche = "pgrest";
constexpr int lock_count = 3;

static_assert(ipc::name_size == NAMEDATALEN);

bool requested = false;
shmem_startup_hook_type previous_startup_hook = nullptr;
#if PG_VERSION_NUM >= 150000
shmem_request_hook_type previous_request_hook = nullptr;
#endif

ipc::Sizes sizes() {
    using settings::Process;
    ipc::Sizes sizes;
    sizes.jobs = Process::queue_size();
    sizes.executors = Process::workers();
    sizes.listeners = Process::listeners();
    sizes.chunks = static_cast<int>(static_cast<std::size_t>(Process::body_memory_kb()) * 1024 / ipc::chunk_size);
    return sizes;
}

void request_memory() {
#if PG_VERSION_NUM >= 150000
    if (previous_request_hook) previous_request_hook();
#endif
    RequestAddinShmemSpace(ipc::shared_size(sizes()) + 64);
    RequestNamedLWLockTranche(tranche, lock_count);
    requested = true;
}

ipc::Shared* make(void* memory) {
    LWLockPadded* locks = GetNamedLWLockTranche(tranche);
    return ipc::make_shared(static_cast<char*>(memory), sizes(), &locks[0].lock, &locks[1].lock, &locks[2].lock);
}

// Called by the postmaster at start and again after a crash; without fork() by every process.
void start_up() {
    if (previous_startup_hook) previous_startup_hook();
    // a library behind this one has not passed it on, and PostgreSQL would not start for want of memory
    if (!requested) return;
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    void* memory = ShmemInitStruct("pgrest", ipc::shared_size(sizes()), &found);
    ipc::attach(found ? static_cast<ipc::Shared*>(memory) : make(memory));
    LWLockRelease(AddinShmemInitLock);
}

}  // namespace

void install_shared_memory() {
#if PG_VERSION_NUM >= 150000
    previous_request_hook = shmem_request_hook;
    shmem_request_hook = request_memory;
#else
    request_memory();
#endif
    previous_startup_hook = shmem_startup_hook;
    shmem_startup_hook = start_up;
}

}  // namespace pgrest::pool

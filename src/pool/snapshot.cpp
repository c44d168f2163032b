#include "pool/snapshot.h"

#include <cstring>
#include <string>

#include "http/wire.h"
#include "ipc/shared.h"

namespace pgrest::pool {

using namespace ipc;

namespace {

// A consistent copy and its number.
std::uint64_t copy_snapshot(std::string& bytes) {
    Shared& all = *shared();
    bytes.resize(snapshot_size);  // before the lock: this may throw
    const Locked locked(all.snapshot_lock, Access::Shared);
    std::memcpy(bytes.data(), all.snapshot.bytes, all.snapshot.size);
    bytes.resize(all.snapshot.size);
    return all.snapshot.generation;
}

}  // namespace

bool publish(const config::Settings& settings) {
    const std::string bytes = http::wire::encode_settings(settings);
    if (bytes.size() > snapshot_size) return false;
    Shared& all = *shared();
    const Locked locked(all.snapshot_lock);
    std::memcpy(all.snapshot.bytes, bytes.data(), bytes.size());
    all.snapshot.size = bytes.size();
    all.snapshot.generation.fetch_add(1);
    return true;
}

std::shared_ptr<const config::Config> current_config() {
    static std::shared_ptr<const config::Config> config;
    static std::uint64_t looked_at = 0;
    if (shared()->snapshot.generation.load(std::memory_order_acquire) == looked_at) return config;
    std::string bytes;
    const std::uint64_t generation = copy_snapshot(bytes);
    config::Built built = config::build(http::wire::decode_settings(bytes), generation);
    // the launcher has built it before; should it fail here all the same, the one before stays
    if (built.config) config = built.config;
    looked_at = generation;
    return config;
}

}  // namespace pgrest::pool

#include "pool/refused_settings.h"

#include <functional>

#include "ipc/shared.h"

namespace pgrest::pool {

using namespace ipc;

namespace {

// Never 0, which is an empty place.
std::uint64_t hash_of(const std::string& name, const std::string& value) {
    return std::hash<std::string>()(name + "=" + value) | 1;
}

std::atomic<std::uint64_t>& place_of(std::uint64_t hash) {
    auto& places = shared()->refused_settings;
    return places[hash / 2 % std::size(places)];
}

}  // namespace

bool is_known_as_refused(const std::string& name, const std::string& value) {
    const std::uint64_t hash = hash_of(name, value);
    return place_of(hash) == hash;
}

void remember_as_refused(const std::string& name, const std::string& value) {
    const std::uint64_t hash = hash_of(name, value);
    place_of(hash) = hash;
}

void forget_refused_settings() {
    for (std::atomic<std::uint64_t>& place : shared()->refused_settings)
        place = 0;
}

}  // namespace pgrest::pool

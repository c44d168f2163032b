#include "listener/giving_way.h"

#include <algorithm>
#include <map>
#include <utility>

namespace pgrest::listener {

namespace {

using Owner = std::pair<bool, std::uint64_t>;  // an address, or a place in the list

Owner owner_of(const std::vector<Holder>& holders, std::size_t place) {
    const std::optional<Peer>& peer = holders[place].peer;
    return peer ? Owner{true, *peer} : Owner{false, place};
}

double slowness(const Holder& holder) {
    return static_cast<double>(holder.held) / static_cast<double>(std::max<std::uint64_t>(1, holder.pace));
}

constexpr std::int64_t interval = 500;   // milliseconds
constexpr std::int64_t beginning = 100;  // before that, a pace says nothing

std::uint64_t pace(std::uint64_t bytes, std::int64_t milliseconds) {
    return bytes * 1000 / static_cast<std::uint64_t>(std::max(beginning, milliseconds));
}

}  // namespace

std::optional<std::size_t> who_gives_way(const std::vector<Holder>& holders) {
    std::map<Owner, std::uint64_t> held;
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < holders.size(); ++i) {
        if (holders[i].held == 0) continue;
        held[owner_of(holders, i)] += holders[i].held;
        total += holders[i].held;
    }
    if (total == 0) return {};
    const std::uint64_t sure = total / held.size() / 2;
    std::optional<std::size_t> slowest;
    for (std::size_t i = 0; i < holders.size(); ++i) {
        if (holders[i].held == 0 || holders[i].complete || held[owner_of(holders, i)] < sure) continue;
        if (!slowest || slowness(holders[i]) > slowness(holders[*slowest])) slowest = i;
    }
    return slowest;
}

void Pace::begin(std::int64_t now) {
    since_ = now;
}

void Pace::note(std::uint64_t received, std::int64_t now) {
    if (now - since_ < interval) return;
    last_ = pace(received - before_, now - since_);
    since_ = now;
    before_ = received;
}

std::uint64_t Pace::bytes_per_second(std::uint64_t received, std::int64_t now) const {
    if (last_ && now - since_ < interval / 2) return *last_;
    return pace(received - before_, now - since_);
}

}  // namespace pgrest::listener

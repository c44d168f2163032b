// Whose upload ends when there is no memory left for bodies. Nobody has a limit while there is room; when there is
// none, each address is sure of half of an equal share of what uploads hold, and the slowest of those that hold more
// gives way. Pure C++.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "listener/peers.h"

namespace pgrest::listener {

struct Holder {
    std::optional<Peer> peer;  // none: a client of a unix socket, which is one by itself
    std::uint64_t held = 0;    // bytes
    std::uint64_t pace = 0;    // bytes a second, lately
    bool complete = false;     // it waits for an executor, and does not end for the sake of others
};

// Its place in the list; nothing when none of those who hold more can end. Slow is who would take long for what he
// holds: 40 MB that come at 1 MB a second are in nobody's way, nor is 1 kB at any pace.
std::optional<std::size_t> who_gives_way(const std::vector<Holder>& holders);

// How fast something comes, measured over the last half second, or a little more.
class Pace {
public:
    void begin(std::int64_t now);
    void note(std::uint64_t received, std::int64_t now);                             // received: since the beginning
    std::uint64_t bytes_per_second(std::uint64_t received, std::int64_t now) const;  // until now

private:
    std::int64_t since_ = 0;  // of the interval that is being measured
    std::uint64_t before_ = 0;
    std::optional<std::uint64_t> last_;  // of the interval before it
};

}  // namespace pgrest::listener

// How many connections each address has. An IPv6 address counts as its network of 64 bits, which one client usually has
// as a whole; an IPv4 address that came through an IPv6 socket counts as itself; clients of a unix socket have none.
// Plain POSIX.
#pragma once

#include <sys/socket.h>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace pgrest::listener {

using Peer = std::uint64_t;

std::optional<Peer> peer_of(const sockaddr* address);

class Peers {
public:
    int connections_of(Peer peer) const;
    void add(Peer peer) { ++counts_[peer]; }
    void remove(Peer peer);

private:
    std::unordered_map<Peer, int> counts_;
};

}  // namespace pgrest::listener

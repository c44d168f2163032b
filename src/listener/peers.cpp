#include "listener/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <cstring>

namespace pgrest::listener {

namespace {

// Beside every network of IPv6: ::/8 is given to nobody.
Peer peer_of_v4(std::uint32_t address) {
    return (Peer{1} << 32) | ntohl(address);
}

Peer peer_of_v6(const in6_addr& address) {
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        std::uint32_t v4 = 0;
        std::memcpy(&v4, address.s6_addr + 12, sizeof v4);
        return peer_of_v4(v4);
    }
    Peer network = 0;
    for (int i = 0; i < 8; ++i)
        network = network << 8 | address.s6_addr[i];
    return network;
}

}  // namespace

std::optional<Peer> peer_of(const sockaddr* address) {
    if (!address) return {};
    if (address->sa_family == AF_INET)
        return peer_of_v4(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
    if (address->sa_family == AF_INET6) return peer_of_v6(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
    return {};
}

int Peers::connections_of(Peer peer) const {
    const auto found = counts_.find(peer);
    return found == counts_.end() ? 0 : found->second;
}

void Peers::remove(Peer peer) {
    const auto found = counts_.find(peer);
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

}  // namespace pgrest::listener

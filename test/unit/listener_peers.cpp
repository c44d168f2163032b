// Which connections count as of one address.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "listener/peers.h"

namespace pgrest::listener {
namespace {

std::optional<Peer> v4(const char* text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1) << text;
    return peer_of(reinterpret_cast<const sockaddr*>(&address));
}

std::optional<Peer> v6(const char* text) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    EXPECT_EQ(inet_pton(AF_INET6, text, &address.sin6_addr), 1) << text;
    return peer_of(reinterpret_cast<const sockaddr*>(&address));
}

TEST(Peers, AreAddressesOfIPv4) {
    EXPECT_EQ(v4("192.0.2.1"), v4("192.0.2.1"));
    EXPECT_NE(v4("192.0.2.1"), v4("192.0.2.2"));
    EXPECT_EQ(v6("::ffff:192.0.2.1"), v4("192.0.2.1"));
}

TEST(Peers, AreNetworksOfIPv6) {
    EXPECT_EQ(v6("2001:db8:0:1::1"), v6("2001:db8:0:1:ffff::2"));
    EXPECT_NE(v6("2001:db8:0:1::1"), v6("2001:db8:0:2::1"));
    EXPECT_NE(v6("::1"), v4("0.0.0.1"));
    EXPECT_NE(v6("::1"), v6("2001:db8::1"));
    EXPECT_TRUE(v6("::1"));
}

TEST(Peers, HaveAnAddress) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    EXPECT_FALSE(peer_of(reinterpret_cast<const sockaddr*>(&local)));
    EXPECT_FALSE(peer_of(nullptr));
}

TEST(Peers, AreCounted) {
    Peers peers;
    EXPECT_EQ(peers.connections_of(1), 0);
    peers.add(1);
    peers.add(1);
    peers.add(2);
    EXPECT_EQ(peers.connections_of(1), 2);
    peers.remove(1);
    EXPECT_EQ(peers.connections_of(1), 1);
    peers.remove(1);
    peers.remove(1);
    EXPECT_EQ(peers.connections_of(1), 0);
    EXPECT_EQ(peers.connections_of(2), 1);
}

}  // namespace
}  // namespace pgrest::listener

// The socket that a listener accepts connections from. Plain POSIX.
#pragma once

#include <string>

namespace pgrest::listener {

struct SocketWish {
    std::string host;       // "!4", "*", "*4", "*6", "!6", a host name or an address
    int port = 0;           // 0 = any free one
    bool shared = false;    // several listeners bind the same port
    std::string unix_path;  // goes over host and port
    int unix_mode = 0660;
};

struct OpenedSocket {
    int descriptor = -1;  // -1 = not opened
    int port = 0;
    std::string address;  // for the log: "0.0.0.0:3000", "[::]:3000", a path
    std::string problem;  // why it could not be opened
};

OpenedSocket open_socket(const SocketWish& wish);

}  // namespace pgrest::listener

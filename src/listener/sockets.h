// The socket that a listener accepts connections from. Plain POSIX.
#pragma once

#include <sys/types.h>
#include <string>

namespace pgrest::listener {

struct SocketWish {
    std::string host;       // "!4", "*", "*4", "*6", "!6", a host name or an address
    int port = 0;           // 0 = any free one
    bool shared = false;    // others may bind the same port (SO_REUSEPORT)
    bool alone = false;     // but nobody has it yet: when somebody has, it is in use
    std::string unix_path;  // goes over host and port
    int unix_mode = 0660;
};

struct OpenedSocket {
    int descriptor = -1;  // -1 = not opened
    int port = 0;
    std::string address;  // for the log: "0.0.0.0:3000", "[::]:3000", a path
    std::string problem;  // why it could not be opened

    // of a unix socket: which file it is
    dev_t device = 0;
    ino_t inode = 0;
};

// A unix socket that nobody listens on is replaced; any other file at its path is left alone and is a problem.
OpenedSocket open_socket(const SocketWish& wish);

// Removes the file of a unix socket, unless another one has taken its place.
void remove_socket_file(const OpenedSocket& opened);

}  // namespace pgrest::listener

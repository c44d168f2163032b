// Connections whose answer is out and that are served no more, though their clients may still be sending: RFC 9112
// section 9.6. A socket that is closed while something unread has come, or still comes, makes the kernel reset the
// connection, and the client may lose the answer. So the sending half is closed, and what comes is read and thrown away
// for a while. Plain POSIX.
#pragma once

#include <cstdint>
#include <string_view>

#include "listener/list.h"

namespace pgrest::listener {

class Lingering {
public:
    // So many stay at once; the one that has been silent for longest has to go first.
    static constexpr int most = 256;

    Lingering() = default;
    ~Lingering();
    Lingering(const Lingering&) = delete;
    Lingering& operator=(const Lingering&) = delete;

    bool open();
    int descriptor() const { return watch_; }  // readable: look() has something to do
    // The socket is taken over.
    void refuse(int socket, std::string_view answer, std::int64_t now);
    void take(int socket, std::int64_t now);
    void look(std::int64_t now);
    void keep_deadlines(std::int64_t now);
    std::int64_t due() const;  // INT64_MAX = never

private:
    struct Left {
        int socket = -1;
        std::int64_t since = 0;
        std::int64_t deadline = 0;
        std::uint64_t discarded = 0;
        Hook<Left> link;
    };
    void look_at(Left& left, std::int64_t now);
    void expect_more(Left& left, std::int64_t now);
    void close_one(Left* left);

    int watch_ = -1;
    int count_ = 0;
    List<Left, &Left::link> left_;  // in the order of deadlines
};

}  // namespace pgrest::listener

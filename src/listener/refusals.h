// Connections that get one answer and no service. A socket that is closed while something unread has come makes the
// kernel reset the connection, and the client may lose the answer; so they stay for a moment. Plain POSIX.
#pragma once

#include <cstdint>
#include <string_view>

#include "listener/list.h"

namespace pgrest::listener {

class Refusals {
public:
    // So many stay at once; the oldest has to go first.
    static constexpr int most = 256;

    Refusals() = default;
    ~Refusals();
    Refusals(const Refusals&) = delete;
    Refusals& operator=(const Refusals&) = delete;

    bool open();
    int descriptor() const { return watch_; }                            // readable: see_leaving() has something to do
    void refuse(int socket, std::string_view answer, std::int64_t now);  // the socket is taken over
    void see_leaving();
    void keep_deadlines(std::int64_t now);
    std::int64_t due() const;  // INT64_MAX = never

private:
    struct Refused {
        int socket = -1;
        std::int64_t deadline = 0;
        Hook<Refused> link;
    };
    void close_one(Refused* refused);

    int watch_ = -1;
    int count_ = 0;
    List<Refused, &Refused::link> refused_;  // in the order of deadlines
};

}  // namespace pgrest::listener

// The body of an answer while it is made. Holds it in chunks up to a threshold; beyond that, when the answer may be
// streamed, it calls the `overflow` function once (which starts the answer) and then hands on all it has to the sink.
// Holds at most 1 GB and copies nothing; what is handed on has no limit. Written to from a DestReceiver: append()
// raises PostgreSQL errors and never throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace pgrest::exec {

class Body {
public:
    // Called at most once, when the threshold is passed; starts the sink with status and headers. It runs inside
    // PostgreSQL's executor: it must not throw and raises PostgreSQL errors instead.
    using Overflow = void (*)(void* context);

    Body(http::ResponseSink& sink, std::size_t threshold, Overflow overflow, void* context);
    // An answer that is never streamed.
    explicit Body(http::ResponseSink& sink);
    ~Body();
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    void append(const char* data, std::size_t size);  // may ereport(ERROR)
    void append_guarded(std::string_view text);       // the same from C++: throws pg::Error
    bool streaming() const { return streaming_; }
    std::uint64_t size() const { return size_; }  // all bytes so far
    void clear();                                 // forgets what is held; only while not streaming
    void send();                                  // hands what is held to the sink; from C++

private:
    struct Chunk;
    void flush();  // may ereport(ERROR)

    http::ResponseSink& sink_;
    std::size_t threshold_ = 0;
    Overflow overflow_ = nullptr;
    void* context_ = nullptr;
    bool streaming_ = false;
    std::uint64_t size_ = 0;
    Chunk* first_ = nullptr;
    Chunk* last_ = nullptr;
};

}  // namespace pgrest::exec

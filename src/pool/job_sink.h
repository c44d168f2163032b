// Where an executor's answer goes: through shared memory to the listener that has the client.
#pragma once

#include "http/message.h"
#include "pool/stream.h"

namespace pgrest::pool {

class JobSink : public http::ResponseSink {
public:
    explicit JobSink(int job);

    void start(int status, std::string_view reason, const http::Headers& headers,
               std::optional<std::uint64_t> content_length) override;
    // Raises an error when the client has gone or does not take anything for too long.
    void write(const char* data, std::size_t size) override;
    void finish() override {}

    bool started() const { return started_; }

private:
    void wait_for_client();

    int index_;
    StreamWriter writer_;
    bool started_ = false;
};

}  // namespace pgrest::pool

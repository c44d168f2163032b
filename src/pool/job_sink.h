// Where an executor's answer goes: through shared memory to the listener that has the client.
#pragma once

#include "http/message.h"
#include "ipc/answer_writer.h"

namespace pgrest::pool {

class JobSink : public http::ResponseSink, private ipc::Pauses {
public:
    explicit JobSink(int job) : writer_(job, *this) {}

    void start(int status, std::string_view reason, const http::Headers& headers,
               std::optional<std::uint64_t> content_length) override;
    // Raises an error when the client has gone or does not take anything for too long.
    void write(const char* data, std::size_t size) override { writer_.write(data, size); }
    void finish() override {}

    bool started() const { return started_; }

private:
    void sleep(long milliseconds) override;
    int most_seconds() override;
    void client_has_gone() override;
    void client_takes_nothing(int seconds) override;
    void memory_is_lacking(int seconds) override;

    ipc::AnswerWriter writer_;
    bool started_ = false;
};

}  // namespace pgrest::pool

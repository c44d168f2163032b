// Requests, heads of answers and settings as bytes, for the way between the processes of one server: length-prefixed,
// in the machine's own byte order, never stored. Pure C++.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "auth/identity.h"
#include "config/config.h"
#include "http/message.h"

namespace pgrest::http::wire {

class Encoder {
public:
    void number(std::uint64_t value);
    void text(std::string_view value);
    void headers(const Headers& headers);
    const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

// Thrown when the bytes end too early or hold impossible lengths.
class Malformed : public std::runtime_error {
public:
    Malformed() : std::runtime_error("malformed message between processes") {}
};

class Decoder {
public:
    explicit Decoder(std::string_view bytes) : rest_(bytes) {}
    std::uint64_t number();
    std::string_view text();
    Headers headers();
    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

// A request without its body, which follows the head as it is.
std::string encode_request(const Request& request, const auth::Identity& identity);

struct DecodedRequest {
    Request request;  // body empty
    auth::Identity identity;
};
DecodedRequest decode_request(std::string_view bytes);

// In place of a status: the headers of an answer that is no error are too large for any connection.
inline constexpr int headers_too_large = -1;

// Status line and headers of an answer.
struct AnswerHead {
    int status = 200;
    std::string reason;
    Headers headers;
    std::optional<std::uint64_t> content_length;
};
std::string encode_answer_head(int status, std::string_view reason, const Headers& headers,
                               std::optional<std::uint64_t> content_length);
AnswerHead decode_answer_head(std::string_view bytes);

std::string encode_settings(const config::Settings& settings);
config::Settings decode_settings(std::string_view bytes);

}  // namespace pgrest::http::wire

// HTTP messages as values: what a client sent and what it gets (RFC 9110).
// Pure C++: no PostgreSQL and no libmicrohttpd header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgrest::http {

struct Header {
    std::string name;
    std::string value;
};

using Headers = std::vector<Header>;

// Compares header names: ASCII letters without regard to case (RFC 9110 section 5.1).
bool same_name(std::string_view a, std::string_view b);

// RFC 9110 section 5.6.2: what the names of fields and methods are made of.
bool is_token(std::string_view text);

// Without the spaces and tabs around it (optional whitespace, RFC 9110 section 5.6.3).
std::string_view trimmed(std::string_view text);

// The value of the first field of that name; nothing when it is absent.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

// Sets the field, replacing every field of that name.
void set_header(Headers& headers, std::string_view name, std::string_view value);

struct Request {
    std::string method;  // as sent: "GET", "POST", ...
    std::string path;    // as sent, percent-encoded, without query: "/people"
    std::string query;   // as sent, without the question mark; "" when there is none
    Headers headers;     // in the order sent
    std::string body;
};

struct Response {
    int status = 200;
    std::string reason;  // "" = the standard phrase
    Headers headers;     // Content-Length is added by whoever sends it
    std::string body;
    bool has_body = true;  // false: neither a body nor Content-Length (204, HEAD)
};

// Where an answer goes. start() once, write() any number of times, finish() once.
//
// write() may be called from inside PostgreSQL's executor (a DestReceiver), so an implementation of it
// reports failure with ereport(ERROR) and keeps no C++ object with a destructor alive across such a call;
// it never throws. start() and finish() are called from C++ and may throw.
class ResponseSink {
public:
    virtual ~ResponseSink() = default;
    // content_length: nothing when the length is not known yet (a streamed answer).
    virtual void start(int status, std::string_view reason, const Headers& headers,
                       std::optional<std::uint64_t> content_length) = 0;
    virtual void write(const char* data, std::size_t size) = 0;
    virtual void finish() = 0;
};

}  // namespace pgrest::http

// The errors that a client can get: the server's own codes (PGRST...), and PostgreSQL's SQLSTATEs with the
// status that belongs to them. Pure C++.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace pgrest::http {

// Whatever is answered in place of a result. Code, message, details and hint become the JSON body.
struct Error {
    int status = 500;
    std::string code;  // "PGRST205", or a SQLSTATE such as "42501"
    std::string message;
    std::optional<std::string> details;
    std::optional<std::string> hint;
    std::optional<std::string> details_json;  // raw JSON that stands in place of details (PGRST201)
    Headers headers;                          // besides the usual ones; one of the same name replaces a usual one
    std::string reason;                       // reason phrase, "" = the standard one
};

// Thrown inside the pure layers and caught by whoever answers a request.
class Failure : public std::exception {
public:
    explicit Failure(Error error) : error_(std::move(error)) {}
    const Error& error() const noexcept { return error_; }
    const char* what() const noexcept override { return error_.message.c_str(); }

private:
    Error error_;
};

// Messages, details and hints repeat what was sent, and so do those of PostgreSQL; none of them is longer than this.
inline constexpr std::size_t longest_text = 2048;

// UTF-8 text of at most that length: a longer one is cut between two characters and ends with "...".
std::string cut(std::string_view text, std::size_t longest = longest_text);

// Every code of the server's own, in one catalogue (http/error.cpp): its status.
// An unknown code is a programming error and yields 500.
int status_of_own_code(std::string_view code);

// An error with one of the server's own codes; its status comes from the catalogue.
Error own_error(std::string_view code, std::string message, std::optional<std::string> details = {},
                std::optional<std::string> hint = {});

[[noreturn]] void fail(std::string_view code, std::string message, std::optional<std::string> details = {},
                       std::optional<std::string> hint = {});

// What PostgreSQL reported (ErrorData).
struct DatabaseError {
    std::string sqlstate;  // five characters
    std::string message;
    std::optional<std::string> detail;
    std::optional<std::string> hint;
    std::string message_id{};  // the message as PostgreSQL's source has it: in English, without values
};

// The answer to a database error: the table of SQLSTATEs, PTxyz, and SQLSTATE PGRST (a message and a detail that are
// JSON; whoever raises it decides how long they are). authenticated: the request's role is not the anonymous one
// (42501: 403, else 401).
Error from_database(const DatabaseError& error, bool authenticated);

// The complete answer: JSON body, Content-Type, Proxy-Status, WWW-Authenticate and Retry-After where due.
// minimal: only code and message (client-error-verbosity).
Response to_response(const Error& error, bool minimal);

}  // namespace pgrest::http

// Errors that SQL raises. Lines: SQLSTATE, message, the rest is the detail. Every one becomes an answer that is JSON
// with fields that fit in a header.
#include "check.h"
#include "http/error.h"

using namespace pgrest;

namespace {

void check_answer(const http::Error& error, bool minimal) {
    const http::Response response = http::to_response(error, minimal);
    const json::Value body = fuzz::require_json(response.body, json::Kind::Object, "the body of an error is an object");
    const auto members = json::members(body);
    fuzz::require(members.size() == (minimal ? 2U : 4U), "an error has its members");
    fuzz::require(json::member(body, "code").has_value() && json::member(body, "message").has_value(),
                  "an error has a code and a message");
    fuzz::require(fuzz::fits_in_header(response.reason), "a reason fits in the status line");
    for (const http::Header& header : response.headers)
        fuzz::require(fuzz::is_token(header.name) && fuzz::fits_in_header(header.value), "a header fits in an answer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    http::DatabaseError raised;
    raised.sqlstate = input.line().substr(0, 5);
    raised.message = input.line();
    if (!input.at_end()) raised.detail = std::string(input.rest());
    for (const bool authenticated : {false, true}) {
        const http::Error error = http::from_database(raised, authenticated);
        if (raised.sqlstate != "PGRST") {
            fuzz::require(error.message.size() <= http::longest_text, "a message is bounded");
            fuzz::require(!error.details || error.details->size() <= http::longest_text, "details are bounded");
        }
        check_answer(error, false);
        check_answer(error, true);
        fuzz::require(raised.sqlstate != "42501" || error.status == (authenticated ? 403 : 401),
                      "a missing privilege is 403, and 401 for the anonymous role");
    }
    return 0;
}

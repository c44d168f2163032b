// The core: one request, one answer. Knows nothing of processes: executors call it, and so does pgrest.request().
#pragma once

#include <functional>
#include <string>

#include "auth/identity.h"
#include "config/config.h"
#include "exec/transaction.h"
#include "http/error.h"
#include "http/message.h"

namespace pgrest::exec {

struct HandleOptions {
    Surroundings surroundings = Surroundings::OwnTransaction;
    std::string authenticator;  // whose memberships count in a subtransaction; otherwise the session's user is it
    std::function<void()> check_catalogs;  // called in the transaction before the first name is looked up; may throw
    // A setting of the role, or of the function that is called, is refused by the database session. May throw
    // NeedsFreshSession; otherwise the request goes on.
    std::function<void(const std::string& name, const std::string& value)> refused_setting;
    std::function<void()> begun;        // NeedsFreshSession is not thrown any more
    std::function<void()> forget_body;  // called when nothing reads the request's body any more; may be empty
    std::function<void(const http::Error&)> on_error;  // told of an error before it is answered
};

// Answers the request through the sink, errors too (http::Failure and pg::Error never leave it). Throws only what the
// sink throws from start() and finish(), or std::bad_alloc. After a streamed answer broke off, it throws pg::Error: the
// connection must be closed. In a subtransaction it also throws the pg::Error of a cancel that is meant for its caller.
// NeedsFreshSession comes before anything was done.
void handle(const http::Request& request, const auth::Identity& identity, const config::Config& config,
            http::ResponseSink& sink, const HandleOptions& options);

}  // namespace pgrest::exec

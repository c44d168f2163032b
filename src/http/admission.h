// The stations of a request that need no catalog, in their order: preflight, token, role, path, profile, method,
// query string, ranges (auth.md section 1). The listener runs them before it gives a request to an executor;
// the executor and pgrest.request() run them again. Pure C++.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "api/syntax.h"
#include "auth/authenticator.h"
#include "auth/identity.h"
#include "config/config.h"
#include "http/message.h"

namespace pgrest::http {

// What is known of a request once it is admitted.
struct Admitted {
    auth::Identity identity;
    api::Resource resource;
    std::string schema;          // chosen by profile header
    bool profile_asked = false;  // the request named a schema
    api::Query query;
    api::Window window;  // root window, Range included where it counts
    api::Preferences preferences;
};

// Admitted, or an answer that is already final (a preflight). Throws http::Failure.
std::variant<Admitted, Response> admit(const Request& request, const config::Config& config, auth::TokenCache& cache,
                                       std::int64_t now);

// The same without authentication, which the listener has done: the identity travelled with the job.
Admitted admit_authenticated(const Request& request, const config::Config& config, auth::Identity identity);

// CORS headers of an ordinary answer (auth.md section 11).
void add_cors_headers(const Request& request, const config::Config& config, Headers& headers);

// `request.headers` and `request.cookies`: JSON objects (auth.md section 5).
std::string headers_as_json(const Headers& headers);
std::string cookies_as_json(const Headers& headers);

}  // namespace pgrest::http

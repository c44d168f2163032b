// Cross-origin requests. Lines: the list of origins in the configuration, then the fields Origin,
// Access-Control-Request-Method and Access-Control-Request-Headers.
#include <algorithm>

#include "check.h"
#include "config/config.h"
#include "http/admission.h"
#include "http/cors.h"
#include "json/json.h"

using namespace pgrest;

namespace {

void check_origin(const http::Headers& headers, const config::Config& config, const std::string& origin) {
    const auto allowed = http::find_header(headers, "Access-Control-Allow-Origin");
    const bool credentials = http::find_header(headers, "Access-Control-Allow-Credentials").has_value();
    fuzz::require(allowed.has_value() || !credentials, "credentials go with an origin");
    if (!allowed) return;
    if (config.cors_origins.empty()) {
        fuzz::require(*allowed == "*" && !credentials, "any origin means no credentials");
        return;
    }
    const auto& known = config.cors_origins;
    fuzz::require(*allowed == origin && std::find(known.begin(), known.end(), origin) != known.end(),
                  "an origin is allowed only when the list names it");
}

void check_allowed_headers(std::string_view list) {
    while (true) {
        const std::size_t comma = list.find(", ");
        fuzz::require(fuzz::is_token(list.substr(0, comma)), "allowed headers are names");
        if (comma == std::string_view::npos) return;
        list = list.substr(comma + 2);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::string list(input.line());
    const config::Built built = config::build({{"server_cors_allowed_origins", list}}, 1);
    fuzz::require((built.config != nullptr) == json::valid_utf8(list), "every list of origins in UTF-8 is taken");
    if (!built.config) return 0;
    const std::string origin(input.line());
    http::Request request;
    request.method = "OPTIONS";
    request.headers = {{"Origin", origin},
                       {"Access-Control-Request-Method", std::string(input.line())},
                       {"Access-Control-Request-Headers", std::string(input.line())}};
    if (const auto response = http::answer_preflight(request, *built.config)) {
        check_origin(response->headers, *built.config, origin);
        fuzz::require(http::find_header(response->headers, "Access-Control-Allow-Origin").has_value(),
                      "a preflight is answered for an allowed origin only");
        check_allowed_headers(http::find_header(response->headers, "Access-Control-Allow-Headers").value_or("none"));
    }
    request.method = "GET";
    http::Headers headers;
    http::add_cors_headers(request, *built.config, headers);
    check_origin(headers, *built.config, origin);
    return 0;
}

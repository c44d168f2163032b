#include "http/cors.h"

#include <algorithm>

#include "http/admission.h"

namespace pgrest::http {

namespace {

constexpr std::string_view kMethods[] = {"GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"};

bool is_allowed(std::string_view origin, const config::Config& config) {
    const auto& origins = config.cors_origins;
    return origins.empty() || std::find(origins.begin(), origins.end(), origin) != origins.end();
}

void add_origin(Headers& headers, std::string_view origin, const config::Config& config) {
    if (config.cors_origins.empty()) {
        set_header(headers, "Access-Control-Allow-Origin", "*");
        return;
    }
    set_header(headers, "Access-Control-Allow-Origin", origin);
    set_header(headers, "Access-Control-Allow-Credentials", "true");
}

// The names of a list of header fields; nothing when it is malformed.
std::optional<std::vector<std::string>> names_of(std::string_view list) {
    std::vector<std::string> names;
    if (trimmed(list).empty()) return names;
    while (true) {
        const std::size_t comma = list.find(',');
        const std::string_view name = trimmed(list.substr(0, comma));
        if (!is_token(name)) return {};
        names.emplace_back(name);
        if (comma == std::string_view::npos) return names;
        list = list.substr(comma + 1);
    }
}

std::string allowed_headers(const std::vector<std::string>& asked) {
    std::string list = "Authorization";
    for (const std::string& name : asked)
        list += ", " + name;
    for (const char* simple : {"Accept", "Accept-Language", "Content-Language"}) {
        const bool given =
            std::any_of(asked.begin(), asked.end(), [&](const auto& name) { return same_name(name, simple); });
        if (!given) list += std::string(", ") + simple;
    }
    return list;
}

}  // namespace

std::optional<Response> answer_preflight(const Request& request, const config::Config& config) {
    if (request.method != "OPTIONS") return {};
    const auto origin = find_header(request.headers, "Origin");
    const auto method = find_header(request.headers, "Access-Control-Request-Method");
    if (!origin || !method || !is_allowed(*origin, config)) return {};
    if (std::find(std::begin(kMethods), std::end(kMethods), *method) == std::end(kMethods)) return {};
    const auto asked = find_header(request.headers, "Access-Control-Request-Headers");
    std::optional<std::vector<std::string>> names;
    if (asked) {
        names = names_of(*asked);
        if (!names) return {};
    }
    Response response;
    add_origin(response.headers, *origin, config);
    response.headers.push_back({"Access-Control-Allow-Methods", "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"});
    response.headers.push_back({"Access-Control-Max-Age", "86400"});
    if (names) response.headers.push_back({"Access-Control-Allow-Headers", allowed_headers(*names)});
    return response;
}

void add_cors_headers(const Request& request, const config::Config& config, Headers& headers) {
    if (request.method == "OPTIONS") return;
    const auto origin = find_header(request.headers, "Origin");
    if (!origin || !is_allowed(*origin, config)) return;
    add_origin(headers, *origin, config);
    set_header(headers, "Access-Control-Expose-Headers",
               "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, "
               "Transfer-Encoding, Range-Unit");
}

}  // namespace pgrest::http

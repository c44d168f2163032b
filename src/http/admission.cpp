#include "http/admission.h"

#include <algorithm>

#include "api/parse.h"
#include "http/cors.h"
#include "http/error.h"

namespace pgrest::http {

namespace {

using api::ResourceKind;

bool is_one_of(const std::string& method, std::initializer_list<const char*> known) {
    return std::any_of(known.begin(), known.end(), [&](const char* one) { return method == one; });
}

// The path, with what the settings make of the root.
api::Resource resource_of(const Request& request, const config::Config& config) {
    api::Resource resource = api::parse_path(request.path);
    if (resource.kind != ResourceKind::Root) return resource;
    if (config.openapi_mode == config::OpenApiMode::Disabled)
        fail("PGRST126", "The description of the API at / is switched off");
    if (config.root_spec.empty()) return resource;
    const std::size_t dot = config.root_spec.find('.');
    return {ResourceKind::Function, dot == std::string::npos ? config.root_spec : config.root_spec.substr(dot + 1)};
}

bool writes(const std::string& method) {
    return is_one_of(method, {"POST", "PATCH", "PUT", "DELETE"});
}

void choose_schema(const Request& request, const config::Config& config, Admitted& admitted) {
    const auto asked = find_header(request.headers, writes(request.method) ? "Content-Profile" : "Accept-Profile");
    admitted.profile_asked = asked.has_value();
    admitted.schema = asked ? std::string(*asked) : config.schemas.front();
    if (std::find(config.schemas.begin(), config.schemas.end(), admitted.schema) != config.schemas.end()) return;
    std::string exposed;
    for (const std::string& schema : config.schemas)
        exposed += (exposed.empty() ? "" : ", ") + schema;
    fail("PGRST106", "The schema '" + admitted.schema + "' is not exposed", {}, "The exposed schemas are: " + exposed);
}

void check_method(const Request& request, const api::Resource& resource) {
    const std::string& method = request.method;
    switch (resource.kind) {
        case ResourceKind::Function:
            if (!is_one_of(method, {"GET", "HEAD", "POST", "OPTIONS"}))
                fail("PGRST101", "A function cannot be called with the method " + method);
            return;
        case ResourceKind::Root:
            if (!is_one_of(method, {"GET", "HEAD", "OPTIONS"}))
                fail("PGRST117", "The method " + method + " is not supported here");
            return;
        case ResourceKind::Relation:
            if (!is_one_of(method, {"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"}))
                fail("PGRST117", "The method " + method + " is not supported");
    }
}

bool is_read(const Request& request) {
    return request.method == "GET" || request.method == "HEAD";
}

// A limit, or an offset above zero, has no meaning where one row is named.
void check_put_range(const api::LimitOffset& range) {
    const bool offset = range.offset && range.offset->find_first_not_of("-0") != std::string::npos;
    if (range.limit || offset) fail("PGRST114", "limit and offset cannot be used with PUT");
}

// ---------------------------------------------------------------- sizes
std::int64_t embeds_in(const std::vector<api::SelectItem>& items) {
    std::int64_t count = 0;
    for (const api::SelectItem& item : items) {
        if (const auto* embed = std::get_if<api::SelectEmbed>(&item.value)) count += 1 + embeds_in(embed->items);
    }
    return count;
}

std::int64_t filters_in(const api::LogicTree& tree) {
    std::int64_t count = 0;
    for (const api::LogicNode& node : tree.nodes) {
        const auto* inner = std::get_if<api::LogicTree>(&node.value);
        count += inner ? filters_in(*inner) : 1;
    }
    return count;
}

// Short queries can ask for much: PostgreSQL plans each embed as a join.
void check_size(const api::Query& query, const config::Config& config) {
    if (embeds_in(query.select) > config.max_embeds)
        fail("PGRST100", "The query has more than " + std::to_string(config.max_embeds) + " embedded resources");
    auto filters = static_cast<std::int64_t>(query.filters.size());
    for (const auto& tree : query.trees)
        filters += filters_in(tree.value);
    if (filters > config.max_filters)
        fail("PGRST100", "The query has more than " + std::to_string(config.max_filters) + " filters");
}

void read_query(const Request& request, const config::Config& config, Admitted& admitted) {
    const bool arguments = admitted.resource.kind == ResourceKind::Function && is_read(request);
    admitted.query =
        api::parse_query(request.query, arguments ? api::PairMeaning::FiltersAndArguments : api::PairMeaning::Filters);
    check_size(admitted.query, config);
    admitted.window = api::root_window(admitted.query.root_range, request.headers, request.method == "GET");
    if (request.method == "PUT") check_put_range(admitted.query.root_range);
    admitted.preferences = api::parse_preferences(request.headers);
}

}  // namespace

Admitted admit_authenticated(const Request& request, const config::Config& config, auth::Identity identity) {
    Admitted admitted;
    admitted.identity = std::move(identity);
    admitted.resource = resource_of(request, config);
    choose_schema(request, config, admitted);
    check_method(request, admitted.resource);
    read_query(request, config, admitted);
    return admitted;
}

std::variant<Admitted, Response> admit(const Request& request, const config::Config& config, auth::TokenCache& cache,
                                       std::int64_t now) {
    if (auto preflight = answer_preflight(request, config)) return std::move(*preflight);
    return admit_authenticated(request, config, auth::authenticate(request.headers, config, cache, now));
}

}  // namespace pgrest::http

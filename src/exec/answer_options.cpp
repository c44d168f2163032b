// OPTIONS: which methods a resource has. No transaction beyond looking names up.
#include "exec/answer_exchange.h"
#include "exec/answer_lookup.h"
#include "plan/call.h"

namespace pgrest::exec {

namespace {

std::string allowed_of_relation(Exchange& exchange) {
    const auto relation = exchange.catalog.with_key(find_relation(exchange));
    const catalog::Updatability can = exchange.catalog.updatability(*relation);
    std::string allow = "OPTIONS,GET,HEAD";
    if (can.insertable) allow += ",POST";
    if (can.insertable && can.updatable && !relation->primary_key.empty()) allow += ",PUT";
    if (can.updatable) allow += ",PATCH";
    if (can.deletable) allow += ",DELETE";
    return allow;
}

std::string allowed_of_function(Exchange& exchange) {
    const http::Admitted& admitted = exchange.admitted;
    const plan::Call call =
        plan::plan_call(exchange.catalog, admitted.schema, admitted.resource.name, plan::Arguments{}, nullptr);
    answer::negotiate(api::parse_accept(exchange.request.headers), {exchange.config.plan_enabled});
    return call.function.volatility == catalog::Volatility::Volatile ? "OPTIONS,POST" : "OPTIONS,GET,HEAD,POST";
}

std::string allowed(Exchange& exchange) {
    switch (exchange.admitted.resource.kind) {
        case api::ResourceKind::Relation:
            return allowed_of_relation(exchange);
        case api::ResourceKind::Function:
            return allowed_of_function(exchange);
        case api::ResourceKind::Root:
            break;
    }
    return "OPTIONS,GET,HEAD";
}

}  // namespace

void answer_options(Exchange& exchange) {
    const std::string allow = allowed(exchange);
    http::Headers headers;
    headers.push_back({"Allow", allow});
    headers.push_back({"Access-Control-Allow-Origin", "*"});
    headers.push_back({"Vary", "Accept, Prefer, Range"});
    exchange.sink.start(200, {}, headers, 0);
    exchange.sink.finish();
}

}  // namespace pgrest::exec

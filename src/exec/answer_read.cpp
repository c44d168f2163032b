// GET and HEAD of a relation.
#include <cstdlib>

#include "answer/content_range.h"
#include "exec/answer_exchange.h"
#include "exec/answer_lookup.h"
#include "exec/answer_rows.h"
#include "http/error.h"
#include "json/json.h"
#include "sql/level.h"

namespace pgrest::exec {

namespace {

using answer::Representation;
using answer::Shape;

// The planner's estimate of the rows that the counting query would see.
std::int64_t planned_rows(Exchange& exchange, const plan::Level& root) {
    sql::Text text;
    text.add("EXPLAIN (FORMAT JSON) ");
    sql::add_counted_rows(text, root);
    RowFormat format;
    format.form = RowForm::Fields;
    RunOptions options;
    options.read_only = false;
    Body nowhere(exchange.sink);
    const Outcome outcome = exchange.run(text, format, options, nowhere);
    if (outcome.fields.empty() || !outcome.fields.front()) return 0;
    const auto document = json::parse(*outcome.fields.front());
    if (!document) return 0;
    const auto plans = json::elements(*document);
    if (plans.empty()) return 0;
    const auto plan = json::member(plans.front(), "Plan");
    const auto rows = plan ? json::member(*plan, "Plan Rows") : std::nullopt;
    // an estimate can have a hundred digits; it is then the largest number
    return rows ? std::strtoll(std::string(rows->text).c_str(), nullptr, 10) : 0;
}

std::int64_t counted_rows(Exchange& exchange, const plan::Level& root, std::optional<std::int64_t> at_most) {
    sql::Text text;
    if (at_most) {
        text.add("SELECT pg_catalog.count(*) FROM (");
        sql::add_counted_rows(text, root);
        text.add(" LIMIT ").owned_value(std::to_string(*at_most)).add(") AS pgrst_counted");
    } else {
        sql::add_count(text, root);
    }
    RowFormat format;
    format.form = RowForm::None;
    format.hidden = 1;
    Body nowhere(exchange.sink);
    const Outcome outcome = exchange.run(text, format, {}, nowhere);
    return outcome.hidden.empty() || !outcome.hidden.front() ? 0 : std::stoll(*outcome.hidden.front());
}

// The total that was asked for; nothing for an exact count that the page itself will tell.
std::optional<std::int64_t> count(Exchange& exchange, const plan::Level& root) {
    const auto preference = exchange.admitted.preferences.count;
    if (!preference) return {};
    const auto max_rows = exchange.config.max_rows;
    switch (*preference) {
        case api::CountPreference::Exact:
            if (!root.limit && !root.offset) return {};
            return counted_rows(exchange, root, {});
        case api::CountPreference::Planned:
            return planned_rows(exchange, root);
        case api::CountPreference::Estimated: {
            if (!max_rows) return std::max(counted_rows(exchange, root, {}), planned_rows(exchange, root));
            const std::int64_t counted = counted_rows(exchange, root, *max_rows + 1);
            if (counted <= *max_rows) return counted;
            return std::max(*max_rows + 1, planned_rows(exchange, root));
        }
    }
    return {};
}

// Many proxies and clients take no head of more than 4 or 8 kB.
constexpr std::size_t longest_location = 2048;

std::string content_location(const Exchange& exchange) {
    std::string location = "/" + api::percent_encode(exchange.admitted.resource.name);
    if (!exchange.admitted.query.canonical.empty()) location += "?" + exchange.admitted.query.canonical;
    return location;
}

Draft draft_of(Exchange& exchange, const Representation& representation, const plan::Tree& tree) {
    Draft draft;
    exchange.add_common_headers(draft, &representation.content_type);
    std::string location = content_location(exchange);
    if (location.size() <= longest_location) draft.headers.push_back({"Content-Location", std::move(location)});
    exchange.add_preferences(draft, {});
    add_warning(draft, tree);
    return draft;
}

// A plain read that may be sent while its rows come: not counted, not singular, committed or not makes no difference.
bool may_stream(Exchange& exchange, const Representation& representation) {
    return !exchange.is_head() && !exchange.admitted.preferences.count && !representation.singular &&
           representation.shape != Shape::Plan;
}

void answer_plan(Exchange& exchange, const Representation& representation, const plan::Level& root) {
    sql::Text text;
    text.add(explain_prefix(representation));
    sql::add_select(text, root, {});
    answer_explained(exchange, representation, text);
}

[[noreturn]] void fail_beyond(const Exchange& exchange, std::int64_t total) {
    http::fail("PGRST103", "The requested range cannot be satisfied",
               "An offset of " + std::to_string(exchange.admitted.window.offset) +
                   " was asked for, but there are only " + std::to_string(total) + " rows.");
}

}  // namespace

void answer_read(Exchange& exchange) {
    const http::Admitted& admitted = exchange.admitted;
    const auto relation = find_relation(exchange);
    plan::Tree tree =
        plan::plan_tree(exchange.catalog, {relation, relation->schema, relation->name, plan::Source::Relation, {}},
                        admitted.query, exchange.level_rules(true));
    set_window(tree.root, admitted.window, exchange.config.max_rows);
    const Representation representation =
        answer::negotiate(api::parse_accept(exchange.request.headers), {exchange.config.plan_enabled});
    exchange.check_strict();

    exchange.begin(exchange.transaction_plan(true, nullptr));
    if (representation.shape == Shape::Plan) {
        answer_plan(exchange, representation, tree.root);
        return;
    }
    Exchange::Streaming streaming{&exchange, draft_of(exchange, representation, tree)};
    std::optional<Body> body;
    if (may_stream(exchange, representation))
        body.emplace(exchange.sink, static_cast<std::size_t>(exchange.config.stream_threshold),
                     &Exchange::start_streaming, &streaming);
    else
        body.emplace(exchange.sink);

    std::optional<std::int64_t> total = count(exchange, tree.root);
    sql::Text text;
    sql::add_select(text, tree.root, {});
    const Outcome outcome = exchange.run(text, row_format_of(representation, exchange.is_head()), {}, *body);
    if (admitted.preferences.count == api::CountPreference::Exact && !total) total = outcome.rows;
    check_singular(representation, outcome.rows);
    exchange.end();

    Draft& draft = streaming.draft;
    const std::int64_t lower = admitted.window.offset;
    if (answer::beyond_total(lower, total)) {
        answer_beyond_total(exchange, draft, *total, [&] { fail_beyond(exchange, *total); });
        return;
    }
    draft.status = answer::status_of_range(outcome.rows, total);
    draft.headers.push_back({"Content-Range", answer::content_range(lower, outcome.rows, total)});
    exchange.send(draft, *body);
}

}  // namespace pgrest::exec

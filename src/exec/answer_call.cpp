// GET, HEAD and POST of a function.
#include "answer/content_range.h"
#include "exec/answer_exchange.h"
#include "exec/answer_lookup.h"
#include "exec/answer_rows.h"
#include "http/error.h"
#include "plan/call.h"
#include "sql/call.h"

namespace pgrest::exec {

namespace {

using answer::Representation;
using answer::Shape;
using catalog::Function;

struct Calling {
    Exchange& exchange;
    bool post = false;
    api::Payload payload;
    plan::Call call;
    plan::Tree tree;
    Representation representation;
};

plan::Arguments arguments_of(Exchange& exchange, api::Payload& payload) {
    plan::Arguments arguments;
    arguments.post = exchange.request.method == "POST";
    if (!arguments.post) {
        arguments.values = exchange.admitted.query.arguments;
        return arguments;
    }
    arguments.body_kind = api::parse_content_type(exchange.request.headers).kind;
    payload =
        api::parse_payload(exchange.request.headers, exchange.request.body, exchange.admitted.query.columns, true);
    arguments.values = std::move(payload.fields);
    arguments.raw = payload.raw;
    arguments.form = arguments.body_kind == api::MediaKind::UrlEncoded;
    if (arguments.raw || arguments.form) return arguments;
    arguments.from_json = true;
    arguments.json_names = payload.keys;
    return arguments;
}

bool is_read_only(const Exchange& exchange, const Function& function) {
    return exchange.request.method != "POST" || function.volatility != catalog::Volatility::Volatile;
}

// The function's rows under the name of their row type, or the function's.
plan::Root root_of(Exchange& exchange, const Function& function) {
    plan::Root root;
    root.schema = function.schema;
    root.name = function.name;
    root.source = plan::Source::Aliased;
    if (function.composite && !function.row_type_relation.empty()) {
        root.name = function.row_type_relation;
        root.relation = exchange.catalog.relation(function.schema, function.row_type_relation);
    } else if (function.composite) {
        root.name = "record";
    }
    root.alias = function.composite && function.row_type_relation.empty() ? function.name : root.name;
    return root;
}

RowFormat row_format(const Calling& calling) {
    const Function& function = calling.call.function;
    RowFormat format = row_format_of(calling.representation, calling.exchange.is_head() || function.returns_void);
    if (format.form == RowForm::None || format.form == RowForm::Csv) return format;
    const bool singular = calling.representation.singular;
    if (!function.composite && !function.returns_set)
        format.form = RowForm::JsonValue;
    else if (!function.composite && !singular)
        format.form = RowForm::JsonValues;
    else if (function.composite && !function.returns_set)
        format.form = RowForm::JsonObject;
    return format;
}

void check_affected_allowed(const Calling& calling) {
    const api::Preferences& preferences = calling.exchange.admitted.preferences;
    if (preferences.handling != api::Handling::Strict || !preferences.max_affected) return;
    if (!calling.call.function.returns_set)
        http::fail("PGRST128", "max-affected with handling=strict needs a function that returns a set");
}

void check_affected(const Calling& calling, std::int64_t rows) {
    const api::Preferences& preferences = calling.exchange.admitted.preferences;
    if (preferences.handling != api::Handling::Strict || !preferences.max_affected) return;
    if (rows > *preferences.max_affected)
        http::fail("PGRST124", "The function returned more rows than max-affected allows",
                   "It returned " + std::to_string(rows) + " rows.");
}

bool counts(const Exchange& exchange) {
    const auto preference = exchange.admitted.preferences.count;
    return preference && *preference != api::CountPreference::Planned;
}

Calling plan_request(Exchange& exchange) {
    const http::Admitted& admitted = exchange.admitted;
    Calling calling{exchange, exchange.request.method == "POST", {}, {}, {}, {}};
    const plan::Arguments arguments = arguments_of(exchange, calling.payload);
    calling.call = plan::plan_call(exchange.catalog, admitted.schema, admitted.resource.name, arguments,
                                   calling.post ? &calling.payload : nullptr);
    calling.tree = plan::plan_tree(exchange.catalog, root_of(exchange, calling.call.function), admitted.query,
                                   exchange.level_rules(true));
    calling.representation =
        answer::negotiate(api::parse_accept(exchange.request.headers), {exchange.config.plan_enabled});
    exchange.check_strict();
    check_affected_allowed(calling);
    return calling;
}

// Without a count the window is part of the statement. With one the rows are all made, since the function runs only
// once, and the window is cut out of them.
void place_window(Calling& calling, RowFormat& format) {
    const api::Window& window = calling.exchange.admitted.window;
    if (!calling.call.function.returns_set) return;
    const auto max_rows = calling.exchange.config.max_rows;
    if (!counts(calling.exchange) || window.huge_limit || window.huge_offset) {
        set_window(calling.tree.root, window, max_rows);
        return;
    }
    format.skip = window.offset;
    format.take = window.limit;
    if (max_rows && (!format.take || *format.take > *max_rows)) format.take = max_rows;
}

void answer_result(Calling& calling, const Outcome& outcome, Body& body) {
    Exchange& exchange = calling.exchange;
    const Function& function = calling.call.function;
    Draft draft;
    const std::int64_t lower = exchange.admitted.window.offset;
    const std::int64_t rows = function.returns_set ? outcome.rows : 1;
    std::optional<std::int64_t> total;
    if (counts(exchange)) total = function.returns_set ? outcome.total : 1;
    exchange.add_common_headers(draft, function.returns_void ? nullptr : &calling.representation.content_type);
    answer::Honoured honoured;
    honoured.max_affected = true;
    exchange.add_preferences(draft, honoured);
    add_warning(draft, calling.tree);
    if (answer::beyond_total(lower, total)) {
        answer_beyond_total(exchange, draft, *total, [&] {
            http::fail("PGRST103", "The requested range cannot be satisfied",
                       "An offset of " + std::to_string(lower) + " was asked for, but there are only " +
                           std::to_string(*total) + " rows.");
        });
        return;
    }
    draft.status = function.returns_void ? 204 : answer::status_of_range(rows, total);
    draft.has_body = !function.returns_void;
    draft.headers.push_back({"Content-Range", answer::content_range(lower, rows, total)});
    exchange.send(draft, body);
}

std::string_view document_of(const Calling& calling) {
    const std::string_view arguments = calling.payload.arguments;
    return arguments.empty() || calling.call.style == plan::CallStyle::WholeBody ? calling.payload.document()
                                                                                 : arguments;
}

}  // namespace

void answer_call(Exchange& exchange) {
    Calling calling = plan_request(exchange);
    const Function& function = calling.call.function;
    RowFormat format = row_format(calling);
    place_window(calling, format);
    exchange.begin(exchange.transaction_plan(is_read_only(exchange, function), &function));

    const std::string_view document = document_of(calling);
    if (!calling.payload.arguments.empty()) plan::take_large_values(calling.call, document);
    const bool explained = calling.representation.shape == Shape::Plan;
    sql::Text text;
    if (explained) text.add(explain_prefix(calling.representation));
    const std::optional<std::size_t> binary = sql::add_call(text, calling.call, document, calling.tree.root);
    if (explained) {
        answer_explained(exchange, calling.representation, text, binary);
        return;
    }
    RunOptions options;
    options.read_only = false;  // a volatile function may have to see its own changes
    options.called = function.oid;
    Body body(exchange.sink);
    const Outcome outcome = exchange.run(text, format, options, body, binary);
    if (function.returns_set) check_singular(calling.representation, outcome.rows);
    check_affected(calling, outcome.rows);
    exchange.end();
    answer_result(calling, outcome, body);
}

}  // namespace pgrest::exec

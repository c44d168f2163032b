// POST, PATCH, PUT and DELETE of a relation.
#include <algorithm>

#include "answer/location.h"
#include "exec/answer_exchange.h"
#include "exec/answer_lookup.h"
#include "exec/answer_rows.h"
#include "http/error.h"
#include "plan/write.h"
#include "sql/write.h"

namespace pgrest::exec {

namespace {

using answer::Representation;
using answer::Shape;
using plan::WriteKind;

WriteKind kind_of(const std::string& method) {
    if (method == "POST") return WriteKind::Insert;
    if (method == "PATCH") return WriteKind::Update;
    return method == "PUT" ? WriteKind::Put : WriteKind::Delete;
}

api::Payload payload_of(const Exchange& exchange, WriteKind kind) {
    if (kind == WriteKind::Delete) return {};
    std::optional<std::vector<std::string>> columns;
    if (kind != WriteKind::Put) columns = exchange.admitted.query.columns;
    return api::parse_payload(exchange.request.headers, exchange.request.body, columns, false);
}

// One written request: what was planned, and what came of it.
struct Writing {
    Exchange& exchange;
    WriteKind kind;
    api::Payload payload;
    plan::Tree tree;
    plan::Write write;
    Representation representation;
    std::vector<std::string> keys;

    const api::Preferences& preferences() const { return exchange.admitted.preferences; }
    bool represented() const { return preferences().representation == api::ReturnPreference::Representation; }
    bool headers_only() const { return preferences().representation == api::ReturnPreference::HeadersOnly; }
    bool merges() const { return write.conflict && write.conflict->merge && kind == WriteKind::Insert; }
    bool asked_to_merge() const {
        return kind == WriteKind::Insert && preferences().resolution == api::Resolution::MergeDuplicates;
    }
    bool strict() const { return preferences().handling == api::Handling::Strict; }
    bool limits_affected() const { return kind == WriteKind::Update || kind == WriteKind::Delete; }
};

bool needs_defaults(const Writing& writing) {
    return (writing.kind == WriteKind::Insert || writing.kind == WriteKind::Update) &&
           writing.preferences().missing == api::Missing::Default;
}

std::vector<std::string> csv_header(const Writing& writing) {
    const plan::Returning& returning = writing.write.returning;
    if (returning.all) return {};
    return returning.columns;
}

RowFormat row_format(const Writing& writing) {
    RowFormat format;
    if (!writing.represented()) {
        format.form = writing.keys.empty() ? RowForm::None : RowForm::Fields;
        return format;
    }
    format = row_format_of(writing.representation, false);
    if (format.form == RowForm::Csv) format.csv_header = csv_header(writing);
    return format;
}

void check_put(const Writing& writing, std::int64_t rows) {
    if (writing.kind == WriteKind::Put && rows != 1)
        http::fail("PGRST115",
                   "The key in the URL and the one in the body must be the same, and exactly one row be written");
}

void check_affected(const Writing& writing, std::int64_t rows) {
    if (!writing.limits_affected() || !writing.strict()) return;
    const auto most = writing.preferences().max_affected;
    if (most && rows > *most)
        http::fail("PGRST124", "More rows would be written than max-affected allows",
                   "The request would write " + std::to_string(rows) + " rows.");
}

int status_of_insert(Writing& writing, std::int64_t rows) {
    if (!writing.asked_to_merge()) return 201;
    if (!writing.merges()) return rows > 0 ? 201 : 200;
    const std::string inserted = writing.exchange.setting(sql::kInsertedSetting);
    const bool any = !inserted.empty() && inserted != "0" && inserted.front() != '-';
    return any ? 201 : 200;
}

int status_of(Writing& writing, std::int64_t rows) {
    switch (writing.kind) {
        case WriteKind::Insert:
            return status_of_insert(writing, rows);
        case WriteKind::Put: {
            if (!writing.represented()) return 204;
            const std::string inserted = writing.exchange.setting(sql::kInsertedSetting);
            return !inserted.empty() && inserted != "0" ? 201 : 200;
        }
        case WriteKind::Update:
        case WriteKind::Delete:
            return writing.represented() ? 200 : 204;
    }
    return 200;
}

void add_content_range(const Writing& writing, Draft& draft, std::int64_t rows) {
    if (writing.kind == WriteKind::Put) return;
    const auto count = writing.preferences().count;
    std::string range = "*";
    if (writing.kind == WriteKind::Update && rows > 0) range = "0-" + std::to_string(rows - 1);
    const bool counted = count && *count != api::CountPreference::Planned;
    draft.headers.push_back({"Content-Range", range + "/" + (counted ? std::to_string(rows) : "*")});
}

answer::Honoured honoured(const Writing& writing) {
    answer::Honoured honoured;
    honoured.resolution = writing.kind == WriteKind::Insert &&
                          (!writing.write.relation->primary_key.empty() || writing.exchange.admitted.query.on_conflict);
    honoured.missing = writing.kind == WriteKind::Insert || writing.kind == WriteKind::Update;
    honoured.representation = true;
    honoured.max_affected = writing.limits_affected();
    return honoured;
}

void add_location(const Writing& writing, Draft& draft, const Outcome& outcome) {
    if (writing.kind != WriteKind::Insert || !writing.headers_only()) return;
    if (outcome.rows != 1 || writing.keys.empty()) return;
    draft.headers.push_back({"Location", answer::location(writing.write.relation->name, writing.keys, outcome.fields)});
}

// The columns as which the statement reads the body.
BodyTable body_table(const Writing& writing) {
    BodyTable table{writing.payload, {}, writing.write.missing_default};
    if (writing.kind == WriteKind::Delete) return table;
    for (const catalog::Column* column : writing.write.columns) {
        const bool as_json = !column->from_json_function.empty();
        table.columns.push_back({column->name, as_json ? 0 : column->type, as_json ? -1 : column->type_modifier});
    }
    return table;
}

sql::WriteAnswer answer_kind(const Writing& writing) {
    if (writing.represented()) return sql::WriteAnswer::Rows;
    return writing.keys.empty() ? sql::WriteAnswer::RowCount : sql::WriteAnswer::Keys;
}

Writing plan_request(Exchange& exchange) {
    const http::Admitted& admitted = exchange.admitted;
    const WriteKind kind = kind_of(exchange.request.method);
    Writing writing{exchange, kind, payload_of(exchange, kind), {}, {}, {}, {}};
    auto relation = exchange.catalog.with_key(find_relation(exchange));
    if (needs_defaults(writing)) relation = exchange.catalog.with_defaults(relation, writing.payload.keys);
    writing.tree = plan::plan_tree(exchange.catalog,
                                   {relation, relation->schema, relation->name, plan::Source::Aliased, relation->name},
                                   admitted.query, exchange.level_rules(false));
    writing.write =
        plan::plan_write({kind, admitted.query, admitted.preferences, writing.payload, exchange.config.require_filter},
                         relation, writing.tree.root);
    exchange.check_strict();
    writing.representation =
        answer::negotiate(api::parse_accept(exchange.request.headers), {exchange.config.plan_enabled});
    if (writing.headers_only() && kind == WriteKind::Insert)
        writing.keys = plan::location_keys(*relation, admitted.query);
    return writing;
}

}  // namespace

void answer_write(Exchange& exchange) {
    Writing writing = plan_request(exchange);
    exchange.begin(exchange.transaction_plan(false, nullptr));

    const bool explained = writing.representation.shape == Shape::Plan;
    sql::Text text;
    if (explained) text.add(explain_prefix(writing.representation));
    const BodyTable table = body_table(writing);
    sql::add_write(text, writing.write, writing.payload.document(), writing.tree.root, answer_kind(writing),
                   writing.keys);
    if (explained) {
        answer_explained(exchange, writing.representation, text, {}, &table);
        return;
    }
    RunOptions options;
    options.read_only = false;
    Body body(exchange.sink);
    const Outcome outcome = exchange.run(text, row_format(writing), options, body, {}, &table);

    check_put(writing, outcome.rows);
    check_singular(writing.representation, outcome.rows);
    check_affected(writing, outcome.rows);
    Draft draft;
    draft.status = status_of(writing, outcome.rows);
    exchange.end();

    draft.has_body = draft.status != 204;
    exchange.add_common_headers(draft, writing.represented() ? &writing.representation.content_type : nullptr);
    add_content_range(writing, draft, outcome.rows);
    add_location(writing, draft, outcome);
    exchange.add_preferences(draft, honoured(writing));
    add_warning(draft, writing.tree);
    exchange.send(draft, body);
}

}  // namespace pgrest::exec

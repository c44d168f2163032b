#include "exec/answer_lookup.h"

#include "answer/content_range.h"
#include "api/parse.h"
#include "http/error.h"

namespace pgrest::exec {

std::shared_ptr<const catalog::Relation> find_relation(Exchange& exchange) {
    const std::string& schema = exchange.admitted.schema;
    const std::string& name = exchange.admitted.resource.name;
    if (auto relation = exchange.catalog.relation(schema, name)) return relation;
    std::optional<std::string> hint;
    if (auto similar = api::most_similar(name, exchange.catalog.relation_names(schema), 0.75))
        hint = "Perhaps you meant the table '" + schema + "." + *similar + "'.";
    http::fail("PGRST205", "There is no table or view '" + schema + "." + name + "'", {}, hint);
}

void check_singular(const answer::Representation& representation, std::int64_t rows) {
    if (!representation.singular || rows == 1) return;
    // client libraries read the details, to tell no row from too many
    http::fail("PGRST116", "The result cannot be given as a single object",
               "The result contains " + std::to_string(rows) + " rows");
}

void answer_explained(Exchange& exchange, const answer::Representation& representation, const sql::Text& text,
                      std::optional<std::size_t> binary_value, const BodyTable* table) {
    RowFormat format;
    format.form = RowForm::Lines;
    RunOptions options;
    options.read_only = false;  // SPI takes every utility statement for a write; the transaction is read only
    Body body(exchange.sink);
    exchange.run(text, format, options, body, binary_value, table);
    exchange.end();
    Draft draft;
    draft.shaped_by_sql = false;
    exchange.add_common_headers(draft, &representation.content_type);
    exchange.send(draft, body);
}

void answer_beyond_total(Exchange& exchange, Draft& draft, std::int64_t total, const std::function<void()>& fail) {
    http::Response response;
    try {
        fail();
    } catch (const http::Failure& failure) {
        response = http::to_response(failure.error(), exchange.config.verbosity == config::Verbosity::Minimal);
    }
    draft.status = response.status;
    draft.headers.push_back({"Content-Range", "*/" + std::to_string(total)});
    Body body(exchange.sink);
    body.append_guarded(response.body);
    exchange.send(draft, body);
}

}  // namespace pgrest::exec

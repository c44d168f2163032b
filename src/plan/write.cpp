#include "plan/write.h"

#include <algorithm>
#include <set>

#include "http/error.h"

namespace pgrest::plan {

namespace {

const catalog::Column* column_or_fail(const catalog::Relation& relation, const std::string& name) {
    if (const catalog::Column* column = relation.column(name)) return column;
    http::fail("PGRST204", "The relation '" + relation.name + "' has no column '" + name + "'");
}

bool is_plain_equal(const Condition& condition) {
    const auto* comparison = std::get_if<Comparison>(&condition.value);
    return comparison && comparison->operation.op == api::Operator::Eq && !comparison->operation.negated &&
           comparison->operation.quantifier == api::Quantifier::None && comparison->field.path.empty();
}

bool filters_embeds(const api::Query& query) {
    for (const auto& filter : query.filters)
        if (!filter.path.empty()) return true;
    return !query.trees.empty();
}

// PUT replaces one row: its filters are the key, each with eq, and nothing else.
void check_put(const catalog::Relation& relation, const api::Query& query, const std::vector<Condition>& conditions) {
    std::set<std::string> filtered;
    bool plain = !relation.primary_key.empty() && !filters_embeds(query);
    for (const Condition& condition : conditions) {
        plain = plain && is_plain_equal(condition);
        if (plain) filtered.insert(std::get<Comparison>(condition.value).field.name);
    }
    const std::set<std::string> key(relation.primary_key.begin(), relation.primary_key.end());
    if (!plain || filtered != key)
        http::fail("PGRST105", "PUT needs a filter with eq on every primary key column and no other filter");
}

// Whether the condition can choose among the rows to be written.
bool chooses_rows(const Condition& condition) {
    if (const auto* junctor = std::get_if<Junctor>(&condition.value))
        return std::any_of(junctor->operands.begin(), junctor->operands.end(), chooses_rows);
    return std::holds_alternative<Comparison>(condition.value);
}

void check_filtered(const Write& write) {
    if (write.kind != WriteKind::Update && write.kind != WriteKind::Delete) return;
    if (std::any_of(write.conditions.begin(), write.conditions.end(), chooses_rows)) return;
    const catalog::Relation& relation = *write.relation;
    const std::string method = write.kind == WriteKind::Delete ? "DELETE" : "PATCH";
    const std::string column = !relation.primary_key.empty() ? relation.primary_key.front()
                               : !relation.columns.empty()   ? relation.columns.front().name
                                                             : "id";
    // the state and the end of the message are those of extensions that refuse such statements
    http::DatabaseError refused;
    refused.sqlstate = "21000";
    refused.message =
        method + " of '" + relation.name + "' without a filter acts on all rows: it requires a WHERE clause";
    refused.detail =
        "The setting pgrest.require_filter is on. Filters of embedded resources, limit, offset and order do "
        "not choose the rows that are written.";
    refused.hint = "Add a filter, such as " + column + "=eq.1. One that is always true, such as " + column +
                   "=not.is.null, says that all rows are meant.";
    throw http::Failure(http::from_database(refused, true));
}

void add_join_columns(const Embed& embed, std::set<std::string>& names, bool& all) {
    const catalog::Relationship& relationship = embed.relationship;
    if (relationship.computed) {
        all = true;
        return;
    }
    if (relationship.junction) {
        for (const auto& pair : relationship.junction->origin_columns)
            names.insert(pair.first);
        return;
    }
    for (const auto& pair : relationship.columns)
        names.insert(pair.first);
}

Returning plan_returning(const catalog::Relation& relation, const api::Query& query,
                         const api::Preferences& preferences, const Level& answered) {
    Returning returning;
    if (preferences.representation != api::ReturnPreference::Representation &&
        preferences.representation != api::ReturnPreference::HeadersOnly)
        return returning;
    std::set<std::string> names(relation.primary_key.begin(), relation.primary_key.end());
    for (const api::SelectItem& item : query.select) {
        const auto* column = std::get_if<api::SelectColumn>(&item.value);
        if (column && column->star && !query.select_empty) returning.all = true;
    }
    for (const Output& output : answered.outputs)
        if (!output.star && !output.field.name.empty() && !output.from_embed) names.insert(output.field.name);
    for (const Embed& embed : answered.embeds)
        add_join_columns(embed, names, returning.all);
    for (const std::string& name : names)
        if (!returning.all || !relation.column(name)) returning.columns.push_back(name);
    return returning;
}

// RETURNING must have a column, and a star of none has none.
void drop_empty_star(const catalog::Relation& relation, Level& answered, Returning& returning) {
    if (!relation.columns.empty()) return;
    returning.all = false;
    std::erase_if(answered.outputs, [](const Output& output) { return output.star; });
}

std::vector<std::string> column_names(const WriteRequest& request) {
    std::vector<std::string> names = request.payload.keys;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::optional<Conflict> plan_conflict(const WriteRequest& request, const Write& write) {
    if (request.kind == WriteKind::Put) return Conflict{true, write.relation->primary_key};
    if (request.kind != WriteKind::Insert || !request.preferences.resolution) return {};
    Conflict conflict;
    conflict.target = request.query.on_conflict.value_or(write.relation->primary_key);
    if (conflict.target.empty()) return {};
    conflict.merge = *request.preferences.resolution == api::Resolution::MergeDuplicates && !write.columns.empty();
    return conflict;
}

}  // namespace

std::vector<std::string> location_keys(const catalog::Relation& relation, const api::Query& query) {
    std::vector<std::string> keys;
    const std::set<std::string> wanted(relation.primary_key.begin(), relation.primary_key.end());
    bool star = false;
    for (const api::SelectItem& item : query.select) {
        const auto* column = std::get_if<api::SelectColumn>(&item.value);
        star = star || (column && column->star);
    }
    if (!star) return {wanted.begin(), wanted.end()};
    for (const catalog::Column& column : relation.columns)
        if (wanted.count(column.name)) keys.push_back(column.name);
    return keys;
}

Write plan_write(const WriteRequest& request, std::shared_ptr<const catalog::Relation> relation, Level& answered) {
    Write write;
    write.kind = request.kind;
    write.relation = std::move(relation);
    write.form = request.payload.form;
    write.missing_default = request.kind != WriteKind::Put && request.preferences.missing == api::Missing::Default;
    write.conditions = std::move(answered.conditions);
    answered.conditions.clear();
    if (request.kind == WriteKind::Put) check_put(*write.relation, request.query, write.conditions);
    if (request.kind == WriteKind::Insert) write.conditions.clear();
    if (request.require_filter) check_filtered(write);
    if (request.kind != WriteKind::Delete)
        for (const std::string& name : column_names(request))
            write.columns.push_back(column_or_fail(*write.relation, name));
    for (const std::string& name : request.payload.names_without_rows)
        column_or_fail(*write.relation, name);
    write.conflict = plan_conflict(request, write);
    if (request.query.select_empty) {
        answered.outputs.clear();
        for (const std::string& key : write.relation->primary_key) {
            Output output;
            output.field.name = key;
            answered.outputs.push_back(std::move(output));
        }
    }
    write.returning = plan_returning(*write.relation, request.query, request.preferences, answered);
    drop_empty_star(*write.relation, answered, write.returning);
    return write;
}

}  // namespace pgrest::plan

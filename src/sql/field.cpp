#include "sql/field.h"

namespace pgrest::sql {

namespace {

const char* infix(api::Operator op) {
    switch (op) {
        case api::Operator::Eq:
            return " = ";
        case api::Operator::Neq:
            return " <> ";
        case api::Operator::Gt:
            return " > ";
        case api::Operator::Gte:
            return " >= ";
        case api::Operator::Lt:
            return " < ";
        case api::Operator::Lte:
            return " <= ";
        case api::Operator::Like:
            return " LIKE ";
        case api::Operator::Ilike:
            return " ILIKE ";
        case api::Operator::Match:
            return " ~ ";
        case api::Operator::Imatch:
            return " ~* ";
        case api::Operator::IsDistinct:
            return " IS DISTINCT FROM ";
        case api::Operator::Cs:
            return " @> ";
        case api::Operator::Cd:
            return " <@ ";
        case api::Operator::Ov:
            return " && ";
        case api::Operator::Sl:
            return " << ";
        case api::Operator::Sr:
            return " >> ";
        case api::Operator::Nxr:
            return " &< ";
        case api::Operator::Nxl:
            return " &> ";
        case api::Operator::Adj:
            return " -|- ";
        default:
            return " = ";
    }
}

const char* query_function(api::Operator op) {
    switch (op) {
        case api::Operator::Plfts:
            return "pg_catalog.plainto_tsquery(";
        case api::Operator::Phfts:
            return "pg_catalog.phraseto_tsquery(";
        case api::Operator::Wfts:
            return "pg_catalog.websearch_to_tsquery(";
        default:
            return "pg_catalog.to_tsquery(";
    }
}

const char* is_word(api::IsWord word) {
    switch (word) {
        case api::IsWord::Null:
            return " IS NULL";
        case api::IsWord::NotNull:
            return " IS NOT NULL";
        case api::IsWord::True:
            return " IS TRUE";
        case api::IsWord::False:
            return " IS FALSE";
        case api::IsWord::Unknown:
            return " IS UNKNOWN";
    }
    return " IS NULL";
}

void add_full_text(Text& out, const plan::Level& level, const plan::Comparison& comparison) {
    const api::Operation& operation = comparison.operation;
    if (comparison.make_tsvector) {
        out.add("pg_catalog.to_tsvector(");
        if (operation.language) out.value(*operation.language).add(", ");
    }
    add_field(out, level, comparison.field);
    if (comparison.make_tsvector) out.add(")");
    out.add(" @@ ").add(query_function(operation.op));
    if (operation.language) out.value(*operation.language).add(", ");
    out.value(operation.value).add(")");
}

void add_list(Text& out, const plan::Comparison& comparison) {
    const std::vector<std::string>& elements = comparison.operation.list;
    if (comparison.value_function.empty()) {
        out.add(" = ANY (").list(elements).add(")");
        return;
    }
    out.add(" = ANY (SELECT ")
        .add(comparison.value_function)
        .add("(pg_catalog.unnest(")
        .list(elements)
        .add("::pg_catalog.text[])))");
}

void add_quantified_value(Text& out, const plan::Comparison& comparison) {
    const api::Operation& operation = comparison.operation;
    if (operation.quantifier == api::Quantifier::Any) out.add("ANY (");
    if (operation.quantifier == api::Quantifier::All) out.add("ALL (");
    if (!comparison.value_function.empty()) out.add(comparison.value_function).add("(");
    out.value(operation.value);
    if (!comparison.value_function.empty()) out.add(")");
    if (operation.quantifier != api::Quantifier::None) out.add(")");
}

void add_junctor(Text& out, const plan::Level& level, const plan::Junctor& junctor, AddNullTest null_test) {
    if (junctor.negated) out.add("NOT ");
    out.add("(");
    bool first = true;
    for (const plan::Condition& operand : junctor.operands) {
        if (!first) out.add(junctor.any ? " OR " : " AND ");
        first = false;
        add_condition(out, level, operand, null_test);
    }
    out.add(")");
}

}  // namespace

void add_qualifier(Text& out, const plan::Level& level) {
    if (level.source == plan::Source::Aliased)
        out.name(level.alias);
    else
        out.name(level.schema, level.name);
}

void add_row(Text& out, const plan::Level& level) {
    add_qualifier(out, level);
    out.add(".*");
}

void add_path(Text& out, const std::vector<api::JsonStep>& path, PathKeys keys) {
    for (const api::JsonStep& step : path) {
        out.add(step.as_text ? "->>" : "->");
        if (keys == PathKeys::Shared)
            out.shared_key(step.key, step.is_index);
        else
            out.value(step.key);
        if (step.is_index) out.add("::int");
    }
}

void add_field(Text& out, const plan::Level& level, const plan::Field& field, PathKeys keys) {
    if (field.to_jsonb) out.add("pg_catalog.to_jsonb(");
    add_qualifier(out, level);
    out.add(".").name(field.name);
    if (field.to_jsonb) out.add(")");
    add_path(out, field.path, keys);
}

void add_comparison(Text& out, const plan::Level& level, const plan::Comparison& comparison) {
    const api::Operation& operation = comparison.operation;
    if (operation.negated) out.add("NOT ");
    switch (operation.op) {
        case api::Operator::Fts:
        case api::Operator::Plfts:
        case api::Operator::Phfts:
        case api::Operator::Wfts:
            add_full_text(out, level, comparison);
            return;
        case api::Operator::Is:
            add_field(out, level, comparison.field);
            out.add(is_word(operation.is));
            return;
        case api::Operator::In:
            add_field(out, level, comparison.field);
            add_list(out, comparison);
            return;
        default:
            add_field(out, level, comparison.field);
            out.add(infix(operation.op));
            add_quantified_value(out, comparison);
    }
}

void add_condition(Text& out, const plan::Level& level, const plan::Condition& condition, AddNullTest null_test) {
    if (const auto* comparison = std::get_if<plan::Comparison>(&condition.value))
        add_comparison(out, level, *comparison);
    else if (const auto* junctor = std::get_if<plan::Junctor>(&condition.value))
        add_junctor(out, level, *junctor, null_test);
    else
        null_test(out, level, std::get<plan::EmbedNullTest>(condition.value));
}

void add_direction(Text& out, const plan::OrderTerm& term) {
    if (term.direction) out.add(*term.direction == api::Direction::Asc ? " ASC" : " DESC");
    if (term.nulls) out.add(*term.nulls == api::Nulls::First ? " NULLS FIRST" : " NULLS LAST");
}

const char* aggregate_function(api::Aggregate aggregate) {
    switch (aggregate) {
        case api::Aggregate::Sum:
            return "SUM";
        case api::Aggregate::Avg:
            return "AVG";
        case api::Aggregate::Count:
            return "pg_catalog.count";
        case api::Aggregate::Max:
            return "MAX";
        case api::Aggregate::Min:
            return "MIN";
    }
    return "pg_catalog.count";
}

}  // namespace pgrest::sql

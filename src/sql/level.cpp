#include "sql/level.h"

#include "sql/field.h"

namespace pgrest::sql {

namespace {

using plan::Embed;
using plan::Level;
using plan::Output;

void add_level(Text& out, const Level& level, const Embed* joined_by, const Level* parent, const From& from,
               bool with_conditions, bool aggregated_above);

// ---- select list

void add_cast_open(Text& out, const std::optional<std::string>& cast) {
    if (cast) out.add("CAST(");
}

void add_cast_close(Text& out, const std::optional<std::string>& cast) {
    if (cast) out.add(" AS ").add(*cast).add(")");
}

void add_plain(Text& out, const Level& level, const Output& output, PathKeys keys) {
    if (output.one) {
        out.add("1");
        return;
    }
    add_cast_open(out, output.cast);
    if (output.from_embed) {
        out.name(level.embeds[*output.from_embed].lateral_alias).add(".").name(output.field.name);
    } else if (!output.representation.empty()) {
        out.add(output.representation).add("(");
        add_field(out, level, output.field, keys);
        out.add(")");
    } else {
        add_field(out, level, output.field, keys);
    }
    add_cast_close(out, output.cast);
}

void add_output(Text& out, const Level& level, const Output& output, PathKeys keys) {
    if (output.star) {
        add_row(out, level);
        return;
    }
    if (output.aggregated()) {
        add_cast_open(out, output.aggregate_cast);
        out.add(output.count_all ? "pg_catalog.count" : aggregate_function(*output.aggregate)).add("(");
        if (output.count_all)
            out.add("*");
        else
            add_plain(out, level, output, keys);
        out.add(")");
        add_cast_close(out, output.aggregate_cast);
        // the key is said aloud, because a cast would hide it
        out.add(" AS ").name(output.key());
        return;
    }
    add_plain(out, level, output, keys);
    if (output.alias)
        out.add(" AS ").name(*output.alias);
    else if (output.cast || !output.representation.empty())
        out.add(" AS ").name(output.field.name);
}

// The JSON value of an embed as a column of its parent.
void add_embed_value(Text& out, const Embed& embed) {
    if (embed.to_one()) {
        out.add("pg_catalog.row_to_json(").name(embed.lateral_alias).add(".*)::pg_catalog.jsonb");
        return;
    }
    out.add("COALESCE(").name(embed.lateral_alias, embed.rows_column).add(", '[]')");
}

template <typename AddSeparator>
void add_embed_outputs(Text& out, const Embed& embed, AddSeparator separator) {
    if (embed.level.selects_nothing) return;
    if (!embed.spread) {
        separator();
        add_embed_value(out, embed);
        out.add(" AS ").name(embed.written);
        return;
    }
    for (const std::string& name : plan::output_names(embed.level)) {
        separator();
        out.name(embed.lateral_alias, name);
        out.add(" AS ").name(name);
    }
}

// Returns how many items there are.
std::size_t add_select_list(Text& out, const Level& level, PathKeys keys) {
    std::size_t items = 0;
    auto separator = [&] { out.add(items++ == 0 ? " " : ", "); };
    for (const Output& output : level.outputs) {
        separator();
        add_output(out, level, output, keys);
    }
    for (const Embed& embed : level.embeds)
        add_embed_outputs(out, embed, separator);
    return items;
}

// ---- joins

void add_relation(Text& out, const Level& level) {
    out.name(level.schema, level.name);
    if (level.source == plan::Source::Aliased) out.add(" AS ").name(level.alias);
}

void add_from_of_embed(Text& out, const Embed& embed, const Level& parent) {
    const catalog::Relationship& relationship = embed.relationship;
    if (relationship.computed) {
        out.name(relationship.computed->function_schema, relationship.computed->function_name).add("(");
        add_row(out, parent);
        out.add("::").name(parent.schema, parent.name).add(") AS ").name(embed.level.alias);
        return;
    }
    add_relation(out, embed.level);
    if (relationship.junction)
        out.add(", ")
            .name(relationship.junction->schema, relationship.junction->name)
            .add(" AS ")
            .name(embed.junction_alias);
}

void add_equal(Text& out, const Level& left, const std::string& left_column, const Level& right,
               const std::string& right_column) {
    add_qualifier(out, left);
    out.add(".").name(left_column).add(" = ");
    add_qualifier(out, right);
    out.add(".").name(right_column);
}

// The join of an embed with its parent; whether there was any condition.
bool add_join_condition(Text& out, const Embed& embed, const Level& parent) {
    const catalog::Relationship& relationship = embed.relationship;
    if (relationship.computed) return false;
    bool first = true;
    auto separator = [&] {
        if (!first) out.add(" AND ");
        first = false;
    };
    if (!relationship.junction) {
        for (const auto& [origin, target] : relationship.columns) {
            separator();
            add_equal(out, embed.level, target, parent, origin);
        }
        return !first;
    }
    const catalog::Junction& junction = *relationship.junction;
    for (const auto& [target, column] : junction.target_columns) {
        separator();
        add_qualifier(out, embed.level);
        out.add(".").name(target).add(" = ").name(embed.junction_alias, column);
    }
    for (const auto& [origin, column] : junction.origin_columns) {
        separator();
        add_qualifier(out, parent);
        out.add(".").name(origin).add(" = ").name(embed.junction_alias, column);
    }
    return !first;
}

std::string order_column(const Embed& embed, std::size_t index) {
    return embed.level.own_prefix + "order_" + std::to_string(index + 1);
}

// An item of the select list in GROUP BY and ORDER BY.
void add_position(Text& out, std::size_t index) {
    out.add(std::to_string(index + 1));
}

// What an order term sorts by.
void add_order_key(Text& out, const Level& level, const plan::OrderTerm& term, PathKeys keys) {
    if (term.output) {
        add_position(out, *term.output);
        return;
    }
    if (!term.embed) {
        add_field(out, level, term.field, keys);
        return;
    }
    if (term.field.to_jsonb) out.add("pg_catalog.to_jsonb(");
    out.name(level.embeds[*term.embed].lateral_alias, term.field.name);
    if (term.field.to_jsonb) out.add(")");
    add_path(out, term.field.path, keys);
}

// A to-many spread: one aggregate for each column, all in the same order.
void add_spread_aggregates(Text& out, const Embed& embed) {
    for (const std::string& name : plan::output_names(embed.level)) {
        out.add(", COALESCE(pg_catalog.json_agg(").name(embed.lateral_alias, name);
        for (std::size_t i = 0; i < embed.level.orders.size(); ++i) {
            out.add(i ? ", " : " ORDER BY ").name(embed.lateral_alias, order_column(embed, i));
            add_direction(out, embed.level.orders[i]);
        }
        out.add("), '[]')::pg_catalog.jsonb AS ").name(name);
    }
}

// PostgreSQL joins what has an OFFSET as it is, row by row, and does not merge it into the statement. Otherwise it
// would look for the best order of all joins, and compare embeds over the same columns with each other, each with each.
void add_fence(Text& out, const Embed& embed) {
    if (embed.joined_apart && !embed.level.limit && !embed.level.offset) out.add(" OFFSET 0");
}

void add_lateral(Text& out, const Embed& embed, const Level& parent) {
    if (embed.to_one()) {
        add_level(out, embed.level, &embed, &parent, {}, true, false);
        add_fence(out, embed);
        return;
    }
    out.add("SELECT pg_catalog.json_agg(").name(embed.lateral_alias);
    // Two lists of one name are refused, with the error that they always had: there the bare name is the first one's
    // column. Elsewhere a bare name could be a column as well.
    if (!embed.repeated) out.add(".*");
    out.add(")::pg_catalog.jsonb AS ").name(embed.rows_column);
    if (embed.spread) add_spread_aggregates(out, embed);
    out.add(" FROM (");
    add_level(out, embed.level, &embed, &parent, {}, true, embed.spread);
    out.add(") AS ").name(embed.lateral_alias);
}

void add_joins(Text& out, const Level& level) {
    for (const Embed& embed : level.embeds) {
        const bool inner = embed.join == api::Join::Inner;
        out.add(inner ? " INNER JOIN LATERAL (" : " LEFT JOIN LATERAL (");
        add_lateral(out, embed, level);
        out.add(") AS ").name(embed.lateral_alias).add(" ON ");
        if (inner && !embed.to_one())
            out.name(embed.lateral_alias, embed.rows_column).add(" IS NOT NULL");
        else
            out.add("TRUE");
    }
}

// ---- conditions

void null_test_of_join(Text& out, const Level& level, const plan::EmbedNullTest& test) {
    const Embed& embed = level.embeds[test.embed];
    out.name(embed.lateral_alias).add(".");
    if (embed.to_one())
        out.add("*");
    else
        out.name(embed.rows_column);
    out.add(test.is_null ? " IS NOT DISTINCT FROM NULL" : " IS DISTINCT FROM NULL");
}

void add_conditions(Text& out, const Level& level, bool& first, AddNullTest null_test) {
    for (const plan::Condition& condition : level.conditions) {
        out.add(first ? " WHERE " : " AND ");
        first = false;
        add_condition(out, level, condition, null_test);
    }
}

void add_join_where(Text& out, const Embed& embed, const Level& parent, bool& first) {
    if (embed.relationship.computed) return;
    out.add(" WHERE ");
    if (add_join_condition(out, embed, parent)) first = false;
}

// ---- grouping and order

// Items of the select list are named by their positions: an alias could be the name of a column as well.
void add_group_by(Text& out, const Level& level, std::size_t items, PathKeys keys) {
    bool first = true;
    auto separator = [&] {
        out.add(first ? " GROUP BY " : ", ");
        first = false;
    };
    for (std::size_t i = 0; i < level.outputs.size(); ++i) {
        const Output& output = level.outputs[i];
        if (output.aggregated()) continue;
        separator();
        if (output.star)
            add_row(out, level);
        else if (output.grouped_by_value())
            add_position(out, i);
        else
            add_field(out, level, output.field, keys);
    }
    for (std::size_t i = level.outputs.size(); i < items; ++i) {
        separator();
        add_position(out, i);
    }
}

void add_order_by(Text& out, const Level& level, PathKeys keys) {
    bool first = true;
    for (const plan::OrderTerm& term : level.orders) {
        out.add(first ? " ORDER BY " : ", ");
        first = false;
        add_order_key(out, level, term, keys);
        add_direction(out, term);
    }
}

// Select list, FROM, WHERE and GROUP BY of a level: its rows without their order. aggregated_above: the parent
// aggregates column by column and sorts there, so the order terms become columns.
void add_rows(Text& out, const Level& level, const Embed* joined_by, const Level* parent, const From& from,
              bool with_conditions, bool aggregated_above) {
    const bool aggregates = level.aggregates();
    const PathKeys keys = aggregates ? PathKeys::Shared : PathKeys::Separate;
    out.add("SELECT");
    const std::size_t items = add_select_list(out, level, keys);
    if (level.selects_nothing && joined_by) {
        out.add(level.outputs.empty() ? " " : ", ");
        add_row(out, level);
    }
    if (aggregated_above) {
        for (std::size_t i = 0; i < level.orders.size(); ++i) {
            out.add(", ");
            add_order_key(out, level, level.orders[i], keys);
            out.add(" AS ").name(order_column(*joined_by, i));
        }
    }
    out.add(" FROM ");
    if (from.add)
        from.add(out, from.context);
    else if (joined_by)
        add_from_of_embed(out, *joined_by, *parent);
    else
        add_relation(out, level);
    add_joins(out, level);
    bool first = true;
    if (joined_by) add_join_where(out, *joined_by, *parent, first);
    if (with_conditions) add_conditions(out, level, first, null_test_of_join);
    if (aggregates) add_group_by(out, level, items, keys);
}

void add_level(Text& out, const Level& level, const Embed* joined_by, const Level* parent, const From& from,
               bool with_conditions, bool aggregated_above) {
    add_rows(out, level, joined_by, parent, from, with_conditions, aggregated_above);
    if (!aggregated_above || level.limit || level.offset)
        add_order_by(out, level, level.aggregates() ? PathKeys::Shared : PathKeys::Separate);
    add_window(out, level);
}

// ---- counting

void add_exists(Text& out, const Embed& embed, const Level& parent);

void null_test_of_count(Text& out, const Level& level, const plan::EmbedNullTest& test) {
    if (test.is_null) out.add("NOT ");
    add_exists(out, level.embeds[test.embed], level);
}

void add_counted_conditions(Text& out, const Level& level, bool& first) {
    add_conditions(out, level, first, null_test_of_count);
    for (const Embed& embed : level.embeds) {
        if (embed.join != api::Join::Inner) continue;
        out.add(first ? " WHERE " : " AND ");
        first = false;
        add_exists(out, embed, level);
    }
}

void add_exists(Text& out, const Embed& embed, const Level& parent) {
    out.add("EXISTS (SELECT 1 FROM ");
    add_from_of_embed(out, embed, parent);
    bool first = true;
    add_join_where(out, embed, parent, first);
    add_counted_conditions(out, embed.level, first);
    if (embed.counted_apart) out.add(" OFFSET 0");
    out.add(")");
}

}  // namespace

void add_window(Text& out, const Level& level) {
    if (level.limit) out.add(" LIMIT ").value(*level.limit);
    if (level.offset) out.add(" OFFSET ").value(*level.offset);
}

void add_select(Text& out, const Level& level, const From& from, bool with_conditions) {
    add_level(out, level, nullptr, nullptr, from, with_conditions, false);
}

void add_counted_rows(Text& out, const Level& level) {
    if (level.aggregates()) {
        add_rows(out, level, nullptr, nullptr, {}, true, false);
        return;
    }
    out.add("SELECT 1 FROM ");
    add_relation(out, level);
    bool first = true;
    add_counted_conditions(out, level, first);
}

void add_count(Text& out, const Level& level) {
    out.add("SELECT pg_catalog.count(*) FROM (");
    add_counted_rows(out, level);
    out.add(") AS pgrst_counted");
}

}  // namespace pgrest::sql

#include "plan/level_planner.h"

#include <algorithm>
#include <map>
#include <utility>

#include "http/error.h"
#include "plan/inner_names.h"
#include "plan/relationship.h"

namespace pgrest::plan {

namespace {

// PostgreSQL's limit of a select list. Stars of rows whose columns are not known count as so many.
constexpr std::size_t kMostColumns = 1664;
constexpr std::size_t kWidthOfUnknownRows = 100;

// PostgreSQL looks for the best order of the joins of so many embeds of a level, and compares so many over the same
// columns with each other.
constexpr std::size_t kJoinedFreely = 6;
constexpr std::ptrdiff_t kComparedFreely = 2;

const catalog::Column* find_column(const catalog::Relation* relation, const std::string& name) {
    return relation ? relation->column(name) : nullptr;
}

Field plan_field(const catalog::Relation* relation, const api::Field& field) {
    Field planned{field.name, field.path, false};
    if (planned.path.empty()) return planned;
    const catalog::Column* column = find_column(relation, field.name);
    planned.to_jsonb = !column || !column->is_json;
    return planned;
}

bool is_full_text(api::Operator op) {
    return op == api::Operator::Fts || op == api::Operator::Plfts || op == api::Operator::Phfts ||
           op == api::Operator::Wfts;
}

bool takes_representation(api::Operator op) {
    switch (op) {
        case api::Operator::Like:
        case api::Operator::Ilike:
        case api::Operator::Is:
        case api::Operator::IsDistinct:
            return false;
        default:
            return !is_full_text(op);
    }
}

Comparison plan_comparison(const catalog::Relation* relation, const api::Filter& filter) {
    Comparison comparison{plan_field(relation, filter.field), filter.operation, {}, false};
    const catalog::Column* column = find_column(relation, filter.field.name);
    if (is_full_text(filter.operation.op))
        comparison.make_tsvector = !filter.field.path.empty() || (column && !column->is_tsvector);
    else if (column && filter.field.path.empty() && takes_representation(filter.operation.op))
        comparison.value_function = column->from_text_function;
    return comparison;
}

// The key that a JSON path implies: its last key that is no index.
std::optional<std::string> implied_alias(const api::Field& field) {
    if (field.path.empty()) return {};
    for (auto step = field.path.rbegin(); step != field.path.rend(); ++step)
        if (!step->is_index) return step->key;
    return field.name;
}

// Beside aggregates a field that stands in the select list with a cast alone orders by what it is cast to.
class GroupedFields {
public:
    explicit GroupedFields(const Level& level) {
        if (!level.aggregates()) return;
        for (std::size_t i = 0; i < level.outputs.size(); ++i) {
            const Output& output = level.outputs[i];
            if (output.star || output.aggregated()) continue;
            if (output.cast && output.grouped_by_value())
                casts_.emplace(key(output.field), i);
            else
                casts_.insert_or_assign(key(output.field), std::nullopt);
        }
    }

    std::optional<std::size_t> cast_of(const Field& field) const {
        if (casts_.empty()) return {};
        const auto found = casts_.find(key(field));
        return found == casts_.end() ? std::nullopt : found->second;
    }

private:
    // No part of it holds a NUL.
    static std::string key(const Field& field) {
        std::string text = field.name;
        for (const api::JsonStep& step : field.path) {
            text += '\0';
            text += step.as_text ? '>' : '-';
            text += step.is_index ? '#' : '.';
            text += step.key;
        }
        return text;
    }

    std::map<std::string, std::optional<std::size_t>> casts_;
};

class Planner {
public:
    Planner(catalog::Catalog& catalog, const LevelRules& rules) : catalog_(catalog), rules_(rules) {}

    Tree plan(const Root& root, const api::Query& query) {
        Tree tree;
        Level& level = tree.root;
        level.relation = root.relation;
        level.schema = root.schema;
        level.name = root.name;
        level.source = root.source;
        level.alias = root.alias;
        fill(level, query.select);
        level.selects_nothing = false;
        for (const auto& filter : query.filters) {
            Level& at = locate(level, filter.path, tree);
            at.conditions.push_back(condition(at, filter.value, filter.path.empty()));
        }
        for (const auto& located : query.trees) {
            Level& at = locate(level, located.path, tree);
            at.conditions.push_back(junctor(at, located.value, located.path.empty()));
        }
        for (const auto& order : query.orders) {
            Level& at = locate(level, order.path, tree);
            const GroupedFields grouped(at);
            for (const api::OrderTerm& term : order.value)
                at.orders.push_back(order_term(at, term, grouped));
        }
        if (rules_.embed_ranges) {
            for (const auto& range : query.embed_ranges) {
                Level& at = locate(level, range.path, tree);
                at.limit = range.value.limit;
                at.offset = range.value.offset;
            }
        }
        if (rules_.max_rows) cap(level);
        return tree;
    }

private:
    // ---- select

    void fill(Level& level, const std::vector<api::SelectItem>& items) {
        std::size_t columns = 0;
        for (const api::SelectItem& item : items) {
            if (const auto* column = std::get_if<api::SelectColumn>(&item.value)) {
                columns += width(level, *column);
                check_width(columns);
                add_column(level, *column);
            } else {
                level.embeds.push_back(embed(level, std::get<api::SelectEmbed>(item.value)));
                columns += level.embeds.back().lifted;
                check_width(columns);
            }
        }
        for (std::size_t i = 0; i < level.embeds.size(); ++i)
            hoist(level, i);
        if (level.aggregates()) {
            expand_stars(level);
            make_comparable(level);
        }
        level.selects_nothing =
            level.outputs.empty() && std::all_of(level.embeds.begin(), level.embeds.end(),
                                                 [](const Embed& one) { return one.level.selects_nothing; });
    }

    static std::size_t width(const Level& level, const api::SelectColumn& column) {
        if (!column.star) return 1;
        return level.relation ? level.relation->columns.size() : kWidthOfUnknownRows;
    }

    // A short query asks for much when stars are repeated, or lifted through many spreads.
    static void check_width(std::size_t columns) {
        if (columns > kMostColumns)
            http::fail("PGRST100", "The query asks for rows of more than " + std::to_string(kMostColumns) + " columns");
    }

    void add_column(Level& level, const api::SelectColumn& column) {
        if (column.aggregate && !rules_.aggregates_enabled)
            http::fail("PGRST123", "Aggregate functions are switched off (pgrest.db_aggregates_enabled)");
        const catalog::Relation* relation = level.relation.get();
        if (column.star) {
            add_star(level);
            return;
        }
        Output output;
        output.count_all = column.aggregate && column.field.name.empty();
        output.alias = column.alias;
        output.cast = column.cast;
        output.aggregate_cast = column.aggregate_cast;
        if (!output.count_all) {
            output.field = plan_field(relation, column.field);
            output.aggregate = column.aggregate;
            if (!output.alias && !column.aggregate) output.alias = implied_alias(column.field);
            const catalog::Column* known = find_column(relation, column.field.name);
            if (known && column.field.path.empty()) output.representation = known->to_json_function;
        }
        level.outputs.push_back(std::move(output));
    }

    void add_star(Level& level) {
        const catalog::Relation* relation = level.relation.get();
        const bool expand =
            relation && (expand_stars_ ||
                         std::any_of(relation->columns.begin(), relation->columns.end(),
                                     [](const catalog::Column& column) { return !column.to_json_function.empty(); }));
        if (expand) {
            add_all_columns(level.outputs, *relation);
            return;
        }
        Output star;
        star.star = true;
        level.outputs.push_back(std::move(star));
    }

    static void add_all_columns(std::vector<Output>& outputs, const catalog::Relation& relation) {
        for (const catalog::Column& column : relation.columns) {
            Output output;
            output.field.name = column.name;
            output.representation = column.to_json_function;
            outputs.push_back(std::move(output));
        }
    }

    // Beside aggregates, its own and those that spreads hand up, rows are grouped by every column.
    static void expand_stars(Level& level) {
        if (!level.relation) return;
        std::vector<Output> outputs;
        for (Output& output : level.outputs) {
            if (output.star)
                add_all_columns(outputs, *level.relation);
            else
                outputs.push_back(std::move(output));
        }
        level.outputs = std::move(outputs);
    }

    // Representations are json, by which rows cannot be grouped; those of the level itself are grouped by their
    // columns.
    static void make_comparable(Level& level) {
        for (Embed& embed : level.embeds) {
            if (!embed.spread || !embed.to_one()) continue;
            for (Output& output : embed.level.outputs)
                if (!output.representation.empty() && !output.cast && !output.hidden) output.cast = "pg_catalog.jsonb";
            make_comparable(embed.level);
        }
    }

    Embed embed(Level& parent, const api::SelectEmbed& syntax) {
        Embed planned;
        planned.alias = syntax.alias;
        planned.target = syntax.target;
        planned.written = syntax.alias.value_or(syntax.target);
        planned.spread = syntax.spread;
        planned.join = syntax.join;
        planned.relationship = find_relationship(catalog_, parent.schema, parent.name, syntax);
        const catalog::Relationship& relationship = planned.relationship;

        Level& level = planned.level;
        level.schema = relationship.target_schema;
        level.name = relationship.target_name;
        level.depth = parent.depth + 1;
        level.relation = catalog_.relation(level.schema, level.name);
        planned.counted_apart = planned.to_one() && embeds_over_same_columns(parent, relationship) >= kComparedFreely;
        planned.joined_apart = planned.counted_apart || (planned.to_one() && parent.embeds.size() >= kJoinedFreely);
        name_rows(planned, parent);
        name_lateral(planned, parent);

        const bool outer = std::exchange(expand_stars_, syntax.spread);
        const std::string above = std::exchange(rows_above_, parent.row_name());
        fill(level, syntax.items);
        rows_above_ = above;
        expand_stars_ = outer;
        planned.lifted = level.selects_nothing ? 0 : 1;
        if (planned.spread) {
            const std::vector<std::string> names = output_names(level);
            planned.lifted = names.size();
            level.own_prefix = unused_prefix(names);
        }
        planned.rows_column = planned.spread ? level.own_prefix + "rows" : planned.lateral_alias;
        return planned;
    }

    static std::ptrdiff_t embeds_over_same_columns(const Level& level, const catalog::Relationship& relationship) {
        if (relationship.columns.empty()) return 0;
        const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
        return std::count_if(level.embeds.begin(), level.embeds.end(), [&](const Embed& embed) {
            const auto& columns = embed.relationship.columns;
            return std::equal(columns.begin(), columns.end(), relationship.columns.begin(), relationship.columns.end(),
                              same);
        });
    }

    // Conditions of the embed refer to its own rows, its junction's and its parent's.
    void name_rows(Embed& embed, const Level& parent) {
        Level& level = embed.level;
        const std::string depth = "_" + std::to_string(level.depth);
        const std::string& above = parent.row_name();
        const auto& junction = embed.relationship.junction;
        const bool bare = embed.relationship.cardinality == catalog::Cardinality::ManyToMany && junction;
        level.source = bare && level.name != above ? Source::Relation : Source::Aliased;
        if (level.source == Source::Aliased) level.alias = names_.table(level.name + depth, {above});
        if (junction) embed.junction_alias = names_.table(junction->name + depth, {above, level.row_name()});
    }

    // Beside the rows of the level, whose conditions refer to those above it as well. Two embeds that are written alike
    // share a name: PostgreSQL refuses them.
    void name_lateral(Embed& embed, Level& parent) {
        const Embed* twin = find_written(parent, embed.written);
        embed.repeated = twin != nullptr;
        embed.lateral_alias =
            twin ? twin->lateral_alias
                 : names_.table(parent.name + "_" + embed.written + "_" + std::to_string(embed.level.depth),
                                {parent.row_name(), rows_above_});
    }

    // Aggregates inside a to-one spread are computed by its parent.
    void hoist(Level& parent, std::size_t index) {
        Embed& embed = parent.embeds[index];
        if (!embed.spread || !embed.level.aggregates()) return;
        if (!embed.to_one())
            http::fail(
                "PGRST127", "This request asks for something that is not implemented",
                "Aggregates are not implemented inside the spread of a to-many relationship ('" + embed.written + "')");
        for (Output& output : embed.level.outputs) {
            if (!output.aggregated()) continue;
            Output above;
            above.alias = output.key();
            above.aggregate = output.count_all ? api::Aggregate::Count : *output.aggregate;
            above.aggregate_cast = std::move(output.aggregate_cast);
            above.from_embed = index;
            above.field.name = embed.level.own_prefix + std::to_string(++handed_up_);
            output.one = output.count_all;
            output.count_all = false;
            output.aggregate.reset();
            output.aggregate_cast.reset();
            output.alias = above.field.name;
            output.hidden = true;
            parent.outputs.push_back(std::move(above));
        }
    }

    // ---- addressing embeds

    Level& locate(Level& root, const api::EmbedPath& path, Tree& tree) {
        Level* level = &root;
        for (const std::string& segment : path)
            level = &step(*level, segment, tree);
        return *level;
    }

    Level& step(Level& level, const std::string& segment, Tree& tree) {
        if (Embed* embed = find_written(level, segment)) return embed->level;
        for (Embed& embed : level.embeds) {
            if (embed.target != segment) continue;
            if (!rules_.legacy_target_names)
                http::fail("PGRST108", "'" + segment + "' is not an embedded resource of this request",
                           "The name of a target cannot be used where the embed has an alias.",
                           "Write '" + *embed.alias + "' instead of '" + segment + "'.");
            std::pair<std::string, std::string> renamed(segment, *embed.alias);
            auto& known = tree.addressed_by_target;
            if (std::find(known.begin(), known.end(), renamed) == known.end()) known.push_back(std::move(renamed));
            return embed.level;
        }
        fail_not_embedded(segment);
    }

    [[noreturn]] static void fail_not_embedded(const std::string& name) {
        http::fail("PGRST108", "'" + name + "' is not an embedded resource of this request", {},
                   "Add '" + name + "' to the select parameter.");
    }

    static Embed* find_written(Level& level, const std::string& name) {
        for (Embed& embed : level.embeds)
            if (embed.written == name) return &embed;
        return nullptr;
    }

    // ---- conditions

    Condition condition(Level& level, const api::Filter& filter, bool at_root) {
        const bool tests_null = filter.operation.op == api::Operator::Is && filter.operation.is == api::IsWord::Null &&
                                filter.field.path.empty() && (rules_.embed_null_tests || !at_root);
        if (tests_null) {
            for (std::size_t i = 0; i < level.embeds.size(); ++i)
                if (level.embeds[i].written == filter.field.name) return {EmbedNullTest{i, !filter.operation.negated}};
        }
        return {plan_comparison(level.relation.get(), filter)};
    }

    Condition junctor(Level& level, const api::LogicTree& tree, bool at_root) {
        Junctor planned{tree.negated, tree.any, {}};
        for (const api::LogicNode& node : tree.nodes) {
            if (const auto* filter = std::get_if<api::Filter>(&node.value))
                planned.operands.push_back(condition(level, *filter, at_root));
            else
                planned.operands.push_back(junctor(level, std::get<api::LogicTree>(node.value), at_root));
        }
        return {std::move(planned)};
    }

    OrderTerm order_term(Level& level, const api::OrderTerm& term, const GroupedFields& grouped) {
        OrderTerm planned{{}, {}, {}, term.direction, term.nulls};
        if (!term.relation) {
            planned.field = plan_field(level.relation.get(), term.field);
            planned.output = grouped.cast_of(planned.field);
            return planned;
        }
        Embed* embed = find_written(level, *term.relation);
        if (!embed) fail_not_embedded(*term.relation);
        if (!embed->to_one())
            http::fail("PGRST118", "Rows cannot be ordered by '" + *term.relation + "'",
                       "'" + level.name + "' and '" + *term.relation +
                           "' are not in a many-to-one or one-to-one relationship.");
        planned.embed = static_cast<std::size_t>(embed - level.embeds.data());
        planned.field = Field{term.field.name, term.field.path, !term.field.path.empty()};
        return planned;
    }

    // ---- db-max-rows

    void cap(Level& level) {
        for (Embed& embed : level.embeds) {
            if (!embed.to_one()) cap_limit(embed.level.limit);
            cap(embed.level);
        }
    }

    void cap_limit(std::optional<std::string>& limit) const {
        const std::string most = std::to_string(*rules_.max_rows);
        if (!limit ||
            (limit->front() != '-' && (limit->size() > most.size() || (limit->size() == most.size() && *limit > most))))
            limit = most;
    }

    catalog::Catalog& catalog_;
    const LevelRules& rules_;
    InnerNames names_;
    bool expand_stars_ = false;
    std::string rows_above_;  // of the level above the one that is filled
    int handed_up_ = 0;
};

}  // namespace

Tree plan_tree(catalog::Catalog& catalog, const Root& root, const api::Query& query, const LevelRules& rules) {
    return Planner(catalog, rules).plan(root, query);
}

Condition plan_condition(const catalog::Relation* relation, const api::Filter& filter) {
    return {plan_comparison(relation, filter)};
}

}  // namespace pgrest::plan

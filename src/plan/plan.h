// The resolved request: a tree of levels (the root and what is embedded in it), every name settled against the
// catalog, every ambiguity decided. sql/ turns it into text and parameters. Pure C++.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/syntax.h"
#include "catalog/catalog.h"

namespace pgrest::plan {

// A column, computed field, or a JSON path into one.
struct Field {
    std::string name;
    std::vector<api::JsonStep> path;
    bool to_jsonb = false;  // the path needs to_jsonb(column): the column is not json or jsonb itself
};

// One item of a level's select list that is no embed.
struct Output {
    bool star = false;
    bool count_all = false;  // count()
    Field field;
    std::string representation;  // function domain -> json, quoted; "" = none
    std::optional<std::string> cast;
    std::optional<api::Aggregate> aggregate;
    std::optional<std::string> aggregate_cast;
    std::optional<std::string> alias;       // written or implied by a JSON path
    std::optional<std::size_t> from_embed;  // handed up by a to-one spread: the field is a column of that embed
    bool one = false;     // the constant 1: what count() inside a spread leaves for its parent to count
    bool hidden = false;  // feeds the parent's aggregate, is no key of the answer

    bool aggregated() const { return count_all || aggregate.has_value(); }
    // Beside aggregates rows are grouped by the value as it is selected, or else by the field that it is made from: of
    // a cast without alias, and of a representation, since json cannot be compared.
    bool grouped_by_value() const { return representation.empty() && (!cast || alias); }

    // The key in the answer; "" for a star.
    std::string key() const;
};

struct Condition;

struct Comparison {
    Field field;
    api::Operation operation;
    std::string value_function;  // text -> domain, quoted; "" = none
    bool make_tsvector = false;  // full-text search on something that is no tsvector
};

// An embed compared with null: embed=is.null, embed=not.is.null.
struct EmbedNullTest {
    std::size_t embed = 0;
    bool is_null = true;
};

struct Junctor {
    bool negated = false;
    bool any = false;
    std::vector<Condition> operands;
};

struct Condition {
    std::variant<Comparison, EmbedNullTest, Junctor> value;
};

struct OrderTerm {
    std::optional<std::size_t> embed;   // related order: a column of that embed's output
    std::optional<std::size_t> output;  // beside aggregates: the value of that output, by which rows are grouped
    Field field;
    std::optional<api::Direction> direction;
    std::optional<api::Nulls> nulls;
};

struct Embed;

// Where a level's rows come from.
enum class Source {
    Relation,  // the relation itself, columns are written "schema"."relation"."column"
    Aliased,   // the relation under an alias, or a common table expression or function under an alias
};

struct Level {
    std::shared_ptr<const catalog::Relation> relation;  // null: rows of no known relation (a function's record)
    std::string schema;
    std::string name;  // the relation's name, or the function's
    Source source = Source::Relation;
    std::string alias;  // when Aliased
    // What columns of its sub-select begin with that are no part of the answer.
    std::string own_prefix;
    int depth = 0;
    std::vector<Output> outputs;
    bool selects_nothing = false;  // an embed without any key in the answer: target()
    std::vector<Condition> conditions;
    std::vector<OrderTerm> orders;
    std::optional<std::string> limit;  // whole numbers as text; PostgreSQL judges them
    std::optional<std::string> offset;
    std::vector<Embed> embeds;

    // The name of its rows within the statement; with a schema before it unless Aliased.
    const std::string& row_name() const { return source == Source::Aliased ? alias : name; }
    bool aggregates() const;
    // Some row of the answer is left out when an embed has none.
    bool has_inner_embeds() const;
};

struct Embed {
    std::string written;  // alias or, without one, the target as written: the key, and path segment
    std::optional<std::string> alias;
    std::string target;          // as written
    std::string lateral_alias;   // of its sub-select
    std::string rows_column;     // to-many: the column of the sub-select with the JSON array of all rows
    std::string junction_alias;  // many-to-many
    bool spread = false;
    // Joined and counted apart from the others of its level, so that planning takes time in proportion to their number:
    bool joined_apart = false;   // one of many to-one embeds
    bool counted_apart = false;  // one of several over the same columns of the rows above
    bool repeated = false;       // written as an earlier one of its level is
    std::size_t lifted = 0;      // how many keys it gives to the rows above
    api::Join join = api::Join::Left;
    catalog::Relationship relationship;
    Level level;

    bool to_one() const { return relationship.to_one(); }
};

// Names that the rows of a level have, in order (a spread's are lifted).
std::vector<std::string> output_names(const Level& level);

}  // namespace pgrest::plan

// What the planner wants to know of the database: relations, relationships, functions. Plain data and an
// interface; catalog/pg_catalog.cpp answers from PostgreSQL's own caches, unit tests from tables of their own.
// Pure C++. Names are UTF-8 whatever the database's encoding is, unquoted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgrest::catalog {

using Oid = std::uint32_t;

struct Column {
    std::string name;
    Oid type = 0;
    std::int32_t type_modifier = -1;
    std::string type_name;     // for a cast in SQL: schema-qualified and quoted, with modifier ("numeric(10,2)")
    bool is_json = false;      // declared type is json or jsonb itself
    bool is_tsvector = false;  // tsvector, also through domains
    // As pg_get_expr; of the column, identity (nextval(...)), or its domain. Only Catalog::with_defaults() fills it in.
    std::string default_expression;
    bool generated_always = false;  // GENERATED ALWAYS (identity or stored)
    // Domain representations: functions of IMPLICIT casts, quoted and schema-qualified; "" = none.
    std::string to_json_function;    // domain -> json
    std::string from_json_function;  // json -> domain
    std::string from_text_function;  // text -> domain
};

enum class RelationKind { Table, PartitionedTable, View, MaterializedView, ForeignTable };

struct Relation {
    Oid oid = 0;
    Oid schema_oid = 0;
    std::string schema;
    std::string name;
    RelationKind kind = RelationKind::Table;
    std::vector<Column> columns;  // without dropped ones, in order
    // Key columns; of a view those that show a base table's whole key: only Catalog::with_key() fills them in.
    std::vector<std::string> primary_key;

    // What lets column() find names quickly; called once, when all columns are there.
    void index_columns();

    bool is_view() const { return kind == RelationKind::View || kind == RelationKind::MaterializedView; }
    const Column* column(std::string_view column_name) const;

private:
    std::vector<std::uint32_t> by_name_;  // positions in columns, ordered by name
};

struct Updatability {
    bool insertable = false;
    bool updatable = false;
    bool deletable = false;
};

enum class Cardinality { OneToMany, ManyToOne, OneToOne, ManyToMany };

struct Junction {
    std::string schema;
    std::string name;
    std::string origin_constraint;
    std::string target_constraint;
    std::vector<std::pair<std::string, std::string>> origin_columns;  // origin column, junction column
    std::vector<std::pair<std::string, std::string>> target_columns;  // target column, junction column
};

struct ComputedRelationship {
    std::string function_schema;
    std::string function_name;
    bool returns_set = true;
};

// One directed entry origin -> target.
struct Relationship {
    Cardinality cardinality = Cardinality::ManyToOne;
    std::string constraint;  // empty for many-to-many and computed ones
    std::string origin_schema, origin_name;
    std::string target_schema, target_name;
    bool origin_is_view = false;
    bool target_is_view = false;
    bool self = false;
    std::vector<std::pair<std::string, std::string>> columns;  // origin column, target column; constraint order
    std::optional<Junction> junction;
    std::optional<ComputedRelationship> computed;

    bool to_one() const { return cardinality == Cardinality::ManyToOne || cardinality == Cardinality::OneToOne; }
};

// How a request names a relationship: target!hint.
struct Named {
    std::string target;
    std::optional<std::string> hint;
};

// Does the entry answer to that name? (spec: embed.md section 3)
bool answers_to(const Relationship& entry, const Named& named);

struct Parameter {
    std::string name;  // "" when unnamed
    Oid type = 0;
    std::string type_name;   // for a cast: schema-qualified, quoted; character -> character varying, bit -> bit varying
    std::string shown_type;  // regtype text for messages
    bool required = true;
    bool variadic = false;
};

enum class Volatility { Immutable, Stable, Volatile };

struct Function {
    Oid oid = 0;
    std::string schema;
    std::string name;
    std::vector<Parameter> parameters;  // input parameters in order
    bool returns_set = false;
    bool returns_void = false;
    bool composite = false;         // row type, or any OUT, INOUT or TABLE parameter
    std::string row_type_schema;    // of composite results that are the row type of a relation (or a
    std::string row_type_relation;  // domain over one); "" otherwise
    std::string media_type;         // result is a domain named like a media type: its name in lower case
    Volatility volatility = Volatility::Volatile;
    std::vector<std::pair<std::string, std::string>> settings;  // SET clauses: name, value
};

class Catalog {
public:
    virtual ~Catalog() = default;

    // An exposed kind of relation (no partition) in that schema; null when there is none.
    // The result stays valid while the caller holds it.
    virtual std::shared_ptr<const Relation> relation(std::string_view schema, std::string_view name) = 0;
    // The same relation, with its primary key also when it is a view.
    virtual std::shared_ptr<const Relation> with_key(const std::shared_ptr<const Relation>& relation) = 0;
    // The same relation, with the default expressions of these columns.
    virtual std::shared_ptr<const Relation> with_defaults(const std::shared_ptr<const Relation>& relation,
                                                          const std::vector<std::string>& columns) = 0;
    // pg_relation_is_updatable(oid, true); tables always.
    virtual Updatability updatability(const Relation& relation) = 0;
    // Entries whose origin is this relation and that answer to the name (spec: embed.md sections 1 and 3), target in
    // the same schema, or any of exposed_schemas for computed ones. At most so many: when there are as many, there can
    // be more.
    static constexpr std::size_t kMostRelationships = 32;
    virtual std::vector<Relationship> relationships(std::string_view schema, std::string_view name,
                                                    const Named& named) = 0;
    // Callable functions of that name (rpc.md section 2).
    virtual std::vector<Function> functions(std::string_view schema, std::string_view name) = 0;
    // For hints only; called when an error is made. Of a large schema only some of the names.
    virtual std::vector<std::string> relation_names(std::string_view schema) = 0;
    virtual std::vector<std::string> function_names(std::string_view schema) = 0;  // of callable ones
    virtual std::vector<std::string> relationship_targets(std::string_view schema, std::string_view name) = 0;
};

}  // namespace pgrest::catalog

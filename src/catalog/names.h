// Names to numbers and back, from PostgreSQL's syscache: what a name means, and what something is called, right now.
// The one place where names enter and leave the readers of keys and views. Throws pg::Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace pgrest::catalog {

using AttributeNumber = std::int16_t;

struct NamedRelation {
    Oid oid = 0;
    Oid schema_oid = 0;
    std::string schema;
    std::string name;
    bool is_view = false;
    Oid row_type = 0;
};

// A table, view, materialized view, foreign or partitioned table, also a partition; no temporary one.
std::optional<NamedRelation> find_relation(std::string_view schema, std::string_view name);
std::optional<NamedRelation> find_relation(Oid relation);
// Of any kind; 0 when there is none.
Oid relation_id(std::string_view schema, std::string_view name);

// Could something have that name? Not when it is too long, or the database's encoding lacks a character of it.
bool is_possible_name(std::string_view name);

// 0 when there is none.
AttributeNumber column_number(Oid relation, std::string_view name);
// Empty when it is gone by now.
std::string column_name(Oid relation, AttributeNumber number);
std::string constraint_name(Oid constraint);

struct QualifiedName {
    std::string schema;
    std::string name;
};
QualifiedName function_name(Oid function);

// A function schema.name of exactly one row of the relation (given by its row type), which returns rows of a relation.
struct RowFunction {
    Oid oid = 0;
    Oid result = 0;  // relation
    bool returns_set = false;
    bool to_one = false;
};
std::optional<RowFunction> find_row_function(std::string_view schema, std::string_view name, Oid row_type);

}  // namespace pgrest::catalog

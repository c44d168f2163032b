// Keys of one table, and what depends on a relation, by number: names are looked up when they are used. Read under the
// catalog snapshot; no relation but the catalogs is opened or locked. Throws pg::Error.
#pragma once

#include <vector>

#include "catalog/names.h"

namespace pgrest::catalog {

using Columns = std::vector<AttributeNumber>;

struct ForeignKey {
    Oid constraint = 0;
    Oid referencing = 0;
    Oid referenced = 0;
    Columns from;
    Columns to;
    bool one_to_one = false;  // from is exactly a primary or unique key
};

struct TableKeys {
    Columns primary_key;
    std::vector<ForeignKey> foreign_keys;  // of the table to others, without those that a partition inherits
};

TableKeys read_keys(Oid table);

struct Reference {
    Oid constraint = 0;
    Oid referencing = 0;
};

struct Dependents {
    std::vector<Reference> references;  // foreign keys to it
    std::vector<Oid> views;             // whose rules use it
    bool of_partitioned = false;
};

Dependents read_dependents(Oid relation);

// Foreign keys of that name on tables of the schema.
std::vector<Reference> read_foreign_keys_named(Oid schema, std::string_view name);

// Relations that functions of one row of that type return, as far as a hint needs them: at most so many.
std::vector<Oid> read_functions_of_row(Oid row_type, int most);

}  // namespace pgrest::catalog

// The graph of relationships: foreign keys of tables, what views inherit of them, junctions, computed relationships;
// and the primary keys of tables and views. Made by one reading of the catalogs, kept until a change concerns it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"

namespace pgrest::catalog {

class Graph {
public:
    // exposed: schemas with endpoints; extra: further ones through which views are traced.
    static Graph read(const std::vector<std::string>& exposed, const std::vector<std::string>& extra);

    std::vector<Relationship> relationships(std::string_view schema, std::string_view name) const;
    // Key columns of a table, or of a view that shows all of them.
    const std::vector<std::string>& primary_key(Oid relation) const;
    // Was this relation read into the graph?
    bool knows(Oid relation) const { return known_.count(relation) > 0; }

private:
    friend class GraphReader;
    std::map<std::pair<std::string, std::string>, std::vector<Relationship>, std::less<>> by_origin_;
    std::map<Oid, std::vector<std::string>> primary_keys_;
    std::set<Oid> known_;
};

}  // namespace pgrest::catalog

// The relationships that a name can mean (spec of embedding: foreign keys, what views inherit of them, junctions,
// computed ones), found from the two relations that the request names. Nothing is listed that nobody asked for, and
// never more than Catalog::kMostRelationships. Throws pg::Error.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/remembered.h"

namespace pgrest::catalog {

class RelationshipFinder {
public:
    using Names = std::vector<std::string>;

    // exposed: schemas with endpoints; extra: further ones through which views are traced.
    RelationshipFinder(Remembered& remembered, const Names& exposed, const Names& extra)
        : remembered_(remembered), exposed_(exposed), extra_(extra) {}

    std::vector<Relationship> find(std::string_view schema, std::string_view origin, const Named& named);
    // Names of targets of the origin, for a hint: some of them.
    Names targets(std::string_view schema, std::string_view origin);
    // Key columns of a table, or of a view that shows all of them.
    Names primary_key(Oid relation);

private:
    // A relation on one side.
    struct Side {
        NamedRelation relation;
        std::shared_ptr<const Shown> shown;
    };
    class Search;

    bool is_exposed(const std::string& schema) const;
    bool may_trace_through(const std::string& schema) const;
    std::optional<Side> side(const std::optional<NamedRelation>& relation);
    std::shared_ptr<const Shown> shown(const NamedRelation& relation);
    void trace(Shown& shown, ColumnOrigin from, AttributeNumber shown_as);
    Columns key_columns(const Side& side);
    std::optional<ForeignKey> foreign_key(const Reference& reference);
    // Keys of junctions to what the side shows: those inside the primary key of their table.
    std::vector<ForeignKey> junction_keys(const Side& side);
    // Views that show columns of the relation, also through other views. At most so many.
    std::vector<NamedRelation> views_over(Oid relation);

    Remembered& remembered_;
    const Names& exposed_;
    const Names& extra_;
};

}  // namespace pgrest::catalog

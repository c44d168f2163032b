// The catalog of this process's database, answered from PostgreSQL's own caches, which PostgreSQL itself invalidates.
// Relations are kept until PostgreSQL says that they changed. Needs a transaction. Throws pg::Error.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/graph.h"

namespace pgrest::catalog {

class PgCatalog : public Catalog {
public:
    static PgCatalog& of_process();

    // The exposed schemas and the extra search path of the configuration in force.
    void use(const std::vector<std::string>& exposed, const std::vector<std::string>& extra);

    std::shared_ptr<const Relation> relation(std::string_view schema, std::string_view name) override;
    std::shared_ptr<const Relation> with_defaults(const std::shared_ptr<const Relation>& relation,
                                                  const std::vector<std::string>& columns) override;
    Updatability updatability(const Relation& relation) override;
    std::vector<Relationship> relationships(std::string_view schema, std::string_view name) override;
    std::vector<Function> functions(std::string_view schema, std::string_view name) override;
    std::vector<std::string> relation_names(std::string_view schema) override;
    std::vector<std::string> function_names(std::string_view schema) override;

private:
    PgCatalog();
    void take_invalidations();
    const Graph& graph();

    std::vector<std::string> exposed_;
    std::vector<std::string> extra_;
    std::unordered_map<Oid, std::shared_ptr<const Relation>> relations_;
    std::optional<Graph> graph_;
};

}  // namespace pgrest::catalog

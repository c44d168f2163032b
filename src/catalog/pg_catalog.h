// The catalog of this process's database, answered from PostgreSQL's own caches and catalogs. What was read of the
// relations that requests named is kept until PostgreSQL says that it changed. Needs a transaction. Throws pg::Error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/relation_reader.h"
#include "catalog/remembered.h"

namespace pgrest::catalog {

class PgCatalog : public Catalog {
public:
    static PgCatalog& of_process();

    // The exposed schemas and the extra search path of the configuration in force.
    void use(const std::vector<std::string>& exposed, const std::vector<std::string>& extra);

    std::shared_ptr<const Relation> relation(std::string_view schema, std::string_view name) override;
    std::shared_ptr<const Relation> with_key(const std::shared_ptr<const Relation>& relation) override;
    std::shared_ptr<const Relation> with_defaults(const std::shared_ptr<const Relation>& relation,
                                                  const std::vector<std::string>& columns) override;
    Updatability updatability(const Relation& relation) override;
    std::vector<Relationship> relationships(std::string_view schema, std::string_view name,
                                            const Named& named) override;
    std::vector<Function> functions(std::string_view schema, std::string_view name) override;
    std::vector<std::string> relation_names(std::string_view schema) override;
    std::vector<std::string> function_names(std::string_view schema) override;
    std::vector<std::string> relationship_targets(std::string_view schema, std::string_view name) override;

private:
    struct KeptRelation {
        std::shared_ptr<const Relation> relation;
        std::vector<std::uint32_t> types;  // hash values of its columns' types, but for PostgreSQL's own
        bool has_domains = false;
        std::uint64_t heard = 0;  // changes of attributes and constraints when it was read
    };

    PgCatalog();
    void take_invalidations();
    void forget_all();
    void drop_relations_of_types(const std::vector<std::uint32_t>& types);
    void drop_relations_with_domains();
    std::shared_ptr<const Relation> read_and_keep(Oid relation);
    // Asks again when something changed while the answer was made.
    template <typename Ask>
    auto ask_until_stable(Ask ask);

    std::vector<std::string> exposed_;
    std::vector<std::string> extra_;
    std::unordered_map<Oid, KeptRelation> relations_;
    std::size_t kept_columns_ = 0;
    std::uint64_t constraints_ = 0;  // changes that were dealt with
    Remembered remembered_;
    // Answers of the time since something changed last.
    std::unordered_map<std::string, std::vector<Relationship>> answers_;
    std::uint64_t answers_heard_ = 0;
};

}  // namespace pgrest::catalog

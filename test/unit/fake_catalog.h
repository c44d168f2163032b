// A catalog made of tables in memory, for tests of the planner and of the SQL it leads to.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"

namespace pgrest::test {

class FakeCatalog : public catalog::Catalog {
public:
    catalog::Relation& add_relation(const std::string& name, const std::vector<std::string>& columns,
                                    const std::vector<std::string>& key = {"id"}) {
        auto relation = std::make_shared<catalog::Relation>();
        relation->schema = "api";
        relation->name = name;
        relation->primary_key = key;
        for (const std::string& column : columns) {
            catalog::Column added;
            added.name = column;
            added.type_name = "text";
            relation->columns.push_back(added);
        }
        relations_[name] = relation;
        return *relation;
    }

    // A foreign key referencing(column) -> referenced(id), both directions.
    void add_foreign_key(const std::string& referencing, const std::string& column, const std::string& referenced,
                         const std::string& constraint) {
        catalog::Relationship up;
        up.cardinality = catalog::Cardinality::ManyToOne;
        up.constraint = constraint;
        up.origin_schema = up.target_schema = "api";
        up.origin_name = referencing;
        up.target_name = referenced;
        up.columns = {{column, "id"}};
        up.self = referencing == referenced;
        catalog::Relationship down = up;
        down.cardinality = catalog::Cardinality::OneToMany;
        std::swap(down.origin_name, down.target_name);
        down.columns = {{"id", column}};
        relationships_.push_back(up);
        relationships_.push_back(down);
    }

    void add_relationship(catalog::Relationship relationship) { relationships_.push_back(std::move(relationship)); }
    void add_function(catalog::Function function) { functions_.push_back(std::move(function)); }

    std::shared_ptr<const catalog::Relation> relation(std::string_view, std::string_view name) override {
        auto found = relations_.find(std::string(name));
        return found == relations_.end() ? nullptr : found->second;
    }
    std::shared_ptr<const catalog::Relation> with_defaults(const std::shared_ptr<const catalog::Relation>& relation,
                                                           const std::vector<std::string>&) override {
        return relation;
    }
    catalog::Updatability updatability(const catalog::Relation&) override { return {true, true, true}; }
    std::shared_ptr<const catalog::Relation> with_key(
        const std::shared_ptr<const catalog::Relation>& relation) override {
        return relation;
    }
    std::vector<catalog::Relationship> relationships(std::string_view, std::string_view name,
                                                     const catalog::Named& named) override {
        std::vector<catalog::Relationship> found;
        for (const auto& relationship : relationships_)
            if (relationship.origin_name == name && catalog::answers_to(relationship, named))
                found.push_back(relationship);
        return found;
    }
    std::vector<std::string> relationship_targets(std::string_view, std::string_view name) override {
        std::vector<std::string> names;
        for (const auto& relationship : relationships_)
            if (relationship.origin_name == name)
                names.push_back(relationship.computed ? relationship.computed->function_name
                                                      : relationship.target_name);
        return names;
    }
    std::vector<catalog::Function> functions(std::string_view, std::string_view name) override {
        std::vector<catalog::Function> found;
        for (const auto& function : functions_)
            if (function.name == name) found.push_back(function);
        return found;
    }
    std::vector<std::string> relation_names(std::string_view) override {
        std::vector<std::string> names;
        for (const auto& [name, relation] : relations_)
            names.push_back(name);
        return names;
    }
    std::vector<std::string> function_names(std::string_view) override {
        std::vector<std::string> names;
        for (const auto& function : functions_)
            names.push_back(function.name);
        return names;
    }

private:
    std::map<std::string, std::shared_ptr<catalog::Relation>> relations_;
    std::vector<catalog::Relationship> relationships_;
    std::vector<catalog::Function> functions_;
};

}  // namespace pgrest::test

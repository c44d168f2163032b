// From the syntax tree of a query string to the tree of levels. Pure C++.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/syntax.h"
#include "catalog/catalog.h"
#include "plan/plan.h"

namespace pgrest::plan {

// The root of the tree: where its rows come from, and under which name relationships are looked up.
struct Root {
    std::shared_ptr<const catalog::Relation> relation;  // null: rows of no known relation
    std::string schema;
    std::string name;
    Source source = Source::Relation;
    std::string alias;
};

struct LevelRules {
    bool aggregates_enabled = false;
    bool legacy_target_names = true;
    std::optional<std::int64_t> max_rows;  // of every to-many embed; nothing for writes
    bool embed_ranges = true;              // false for writes: limits with a path are ignored
    bool embed_null_tests = true;          // false for writes: filters of the root belong to the written rows
};

struct Tree {
    Level root;
    // Embeds that were addressed by their target although they have an alias: target, alias (deprecated).
    std::vector<std::pair<std::string, std::string>> addressed_by_target;
};

// Root limit and offset are left to the caller (they depend on Range and on db-max-rows).
// Throws PGRST108, 118, 123, 127, 200, 201.
Tree plan_tree(catalog::Catalog& catalog, const Root& root, const api::Query& query, const LevelRules& rules);

// A single filter on a level that has no embeds, for writes.
Condition plan_condition(const catalog::Relation* relation, const api::Filter& filter);

}  // namespace pgrest::plan

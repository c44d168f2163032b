// What a POST, PATCH, PUT or DELETE does to a relation. Pure C++.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/parse.h"
#include "api/syntax.h"
#include "catalog/catalog.h"
#include "plan/plan.h"

namespace pgrest::plan {

enum class WriteKind { Insert, Update, Put, Delete };

struct Conflict {
    bool merge = true;                // DO UPDATE, else DO NOTHING
    std::vector<std::string> target;  // columns of the unique key
};

// What the statement hands back, and so which columns the role must be allowed to read. None: RETURNING 1.
struct Returning {
    bool all = false;                  // every column
    std::vector<std::string> columns;  // besides `all`: computed fields; sorted, unique
};

struct Write {
    WriteKind kind = WriteKind::Insert;
    std::shared_ptr<const catalog::Relation> relation;
    std::vector<const catalog::Column*> columns;  // the column list; points into relation
    api::Payload::Form form = api::Payload::Form::None;
    bool missing_default = false;
    std::vector<Condition> conditions;  // UPDATE, DELETE, PUT: on the rows to be written
    std::optional<Conflict> conflict;
    Returning returning;
};

// Key columns in the order in which Location shows them.
std::vector<std::string> location_keys(const catalog::Relation& relation, const api::Query& query);

struct WriteRequest {
    WriteKind kind = WriteKind::Insert;
    const api::Query& query;
    const api::Preferences& preferences;
    const api::Payload& payload;
    bool require_filter = false;  // of Update and Delete
};

// The write without its representation; answered: the tree of the answer, whose root conditions become the write's.
// Throws PGRST105, PGRST204, and 21000 where a filter is required.
Write plan_write(const WriteRequest& request, std::shared_ptr<const catalog::Relation> relation, Level& answered);

}  // namespace pgrest::plan

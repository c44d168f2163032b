// What a kept plan depends on beyond what PostgreSQL tracks: types that its expressions have, among them the row types
// of functions in FROM; and what the names in its text would mean now. C: may ereport.
#pragma once

#include "pg/postgres.h"

extern "C" {
#include "utils/plancache.h"
}

namespace pgrest::exec {

// Registers callbacks, once. Casts, roles and memberships outdate every plan of the process.
void watch_plan_dependencies();

// Counts what this process has heard of changed relations, types and functions; begins with 1.
uint64 heard_changes();

// Were they added since the plan's text was last analysed?
bool has_added_dependencies(const CachedPlanSource* source);

// Adds them to those that PostgreSQL looks at when it hears of a change.
void add_dependencies(CachedPlanSource* source);

// The next use analyses the text anew.
void outdate(CachedPlanSource* source);

// C++, outside of a transaction: has anything changed since that number was heard? Throws pg::Error.
bool hears_changes_since(uint64 number);

// What functions and types the names in the text stand for; another number when that may have changed, by a new
// function, or by a type that comes earlier in the search path.
uint64 meaning_of_names(const CachedPlanSource* source);

// Counts what may change a meaning: functions and types that come, go, or change.
uint64 heard_changes_of_names();

}  // namespace pgrest::exec

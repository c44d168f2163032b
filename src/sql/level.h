// A tree of levels as SQL: select list, lateral joins, conditions, order, window; and the count of its root rows.
// Pure C++.
#pragma once

#include "plan/plan.h"
#include "sql/text.h"

namespace pgrest::sql {

// SELECT ... of a whole tree. from: what stands after FROM for the root (the relation itself when null).
using AddFrom = void (*)(Text& out, const void* context);
struct From {
    AddFrom add = nullptr;
    const void* context = nullptr;
};

// with_conditions: false for what a write returned (its conditions belong to the write).
void add_select(Text& out, const plan::Level& level, const From& from, bool with_conditions = true);

// SELECT count(*) of the root's rows without window: conditions, inner embeds and null tests as EXISTS. Beside
// aggregates the rows are groups, and embeds may be what they are grouped by.
void add_count(Text& out, const plan::Level& level);

// The same rows, for EXPLAIN.
void add_counted_rows(Text& out, const plan::Level& level);

// LIMIT and OFFSET as far as given.
void add_window(Text& out, const plan::Level& level);

}  // namespace pgrest::sql

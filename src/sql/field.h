// Columns, conditions and order terms of one level as SQL. Pure C++.
#pragma once

#include "plan/plan.h"
#include "sql/text.h"

namespace pgrest::sql {

// "schema"."relation" or "alias": what stands before the dot of the level's columns.
void add_qualifier(Text& out, const plan::Level& level);

// The whole row as one value. Never by its bare name, which a column can have as well.
void add_row(Text& out, const plan::Level& level);

// Whether equal keys of JSON paths are one parameter: beside aggregates, where expressions are compared.
enum class PathKeys { Separate, Shared };

// The field without cast: "t"."a", to_jsonb("t"."a")->$1->>$2, ...
void add_field(Text& out, const plan::Level& level, const plan::Field& field, PathKeys keys = PathKeys::Separate);

// The steps of a JSON path after whatever stands before them.
void add_path(Text& out, const std::vector<api::JsonStep>& path, PathKeys keys);

void add_comparison(Text& out, const plan::Level& level, const plan::Comparison& comparison);

// How an embed is compared with null depends on the statement: joined in a read, EXISTS in a count.
using AddNullTest = void (*)(Text& out, const plan::Level& level, const plan::EmbedNullTest& test);
void add_condition(Text& out, const plan::Level& level, const plan::Condition& condition, AddNullTest null_test);

// ASC, DESC, NULLS FIRST, NULLS LAST as far as given.
void add_direction(Text& out, const plan::OrderTerm& term);

const char* aggregate_function(api::Aggregate aggregate);

}  // namespace pgrest::sql

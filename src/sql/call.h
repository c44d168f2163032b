// A function call as one statement: the rows of the function, then select, filters, order and window. Pure C++.
#pragma once

#include <string_view>

#include "plan/call.h"
#include "plan/plan.h"
#include "sql/text.h"

namespace pgrest::sql {

// The column of a result that is no row.
inline constexpr const char* kScalarColumn = "pgrst_scalar";

// body: JSON document or raw body; it and the call must live as long as the statement. level: the tree of the answer;
// its alias is the name under which filters and orders see the function's rows. Returns the position among the values
// of a whole body that must be bound as bytea, if any.
std::optional<std::size_t> add_call(Text& out, const plan::Call& call, std::string_view body, const plan::Level& level);

}  // namespace pgrest::sql

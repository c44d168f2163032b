// Operations on a column: eq.5, not.in.(1,2), fts(english).cats, like(any).{a*,b*}.
#pragma once

#include <optional>

#include "api/cursor.h"
#include "api/syntax.h"

namespace pgrest::api {

// in_tree: inside a logic tree, where a value ends at the next comma or bracket unless it is quoted or in braces.
// Nothing (and the cursor where it was) when no operation begins here; fails when one begins and goes wrong.
std::optional<Operation> take_operation(Cursor& cursor, bool in_tree);

}  // namespace pgrest::api

// How a representation is written, and headers that depend on the tree of levels.
#pragma once

#include "answer/negotiation.h"
#include "exec/answer_exchange.h"
#include "exec/statement.h"
#include "plan/level_planner.h"

namespace pgrest::exec {

// head: rows are only counted.
RowFormat row_format_of(const answer::Representation& representation, bool head);

// Warning (RFC 7234 section 5.5) when an embed was addressed by its relation's name despite an alias.
void add_warning(Draft& draft, const plan::Tree& tree);

}  // namespace pgrest::exec

// INSERT, UPDATE, upsert and DELETE with their representation as one statement. Pure C++.
#pragma once

#include <string>
#include <vector>

#include "plan/plan.h"
#include "plan/write.h"
#include "sql/text.h"

namespace pgrest::sql {

// The setting that counts inserted rows of a merge: above 0 when at least one row was new.
inline constexpr const char* kInsertedSetting = "pgrst.inserted";

// The table of the statement that holds the rows of the body: the columns of the write; or, when defaults are laid
// below it, each row as the jsonb of kBodyElement.
inline constexpr const char* kBodyTable = "pgrst_payload";
inline constexpr const char* kBodyElement = "pgrst_element";

enum class WriteAnswer { RowCount, Rows, Keys };

// body: JSON text of the rows, whose number is all that a write without columns needs; must live as long as the
// statement. answer: Rows selects `answered`, Keys the given key columns, RowCount only lets rows be counted.
void add_write(Text& out, const plan::Write& write, std::string_view body, const plan::Level& answered,
               WriteAnswer answer, const std::vector<std::string>& keys);

}  // namespace pgrest::sql

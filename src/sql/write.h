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

enum class WriteAnswer { RowCount, Rows, Keys };

// body: the JSON text of the rows; must live as long as the statement.
// answer: Rows selects `answered`, Keys the given key columns, RowCount only lets rows be counted.
void add_write(Text& out, const plan::Write& write, std::string_view body, const plan::Level& answered,
               WriteAnswer answer, const std::vector<std::string>& keys);

}  // namespace pgrest::sql

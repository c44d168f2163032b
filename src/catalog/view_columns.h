// Which column of a table or another view each column of a view stands for (PostgreSQL: TargetEntry.resorigtbl,
// resorigcol), read from its rule under the catalog snapshot: the view is neither opened nor locked. Throws pg::Error.
#pragma once

#include <vector>

#include "catalog/names.h"

namespace pgrest::catalog {

struct ColumnOrigin {
    Oid relation = 0;  // 0: an expression
    AttributeNumber column = 0;
};

struct ViewColumns {
    Oid schema = 0;
    // By column number, beginning with 1 at the first. Empty when there is no rule, or one that is larger than 8 MB.
    std::vector<ColumnOrigin> origins;
};

ViewColumns read_view_columns(Oid view);

}  // namespace pgrest::catalog

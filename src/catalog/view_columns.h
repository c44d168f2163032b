// Which table column a column of a view stands for (PostgreSQL: TargetEntry.resorigtbl, resorigcol).
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace pgrest::catalog {

struct ViewColumn {
    std::string name;
    Oid table = 0;       // a table or another view; 0: an expression
    std::string column;  // its column
};

// Of a view's or materialized view's rule. Throws pg::Error; empty when the view is gone.
std::vector<ViewColumn> view_columns(Oid view);

}  // namespace pgrest::catalog

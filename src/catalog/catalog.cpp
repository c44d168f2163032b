#include "catalog/catalog.h"

namespace pgrest::catalog {

const Column* Relation::column(std::string_view column_name) const {
    for (const Column& column : columns)
        if (column.name == column_name) return &column;
    return nullptr;
}

}  // namespace pgrest::catalog

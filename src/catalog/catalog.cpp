#include "catalog/catalog.h"

#include <algorithm>
#include <numeric>

namespace pgrest::catalog {

void Relation::index_columns() {
    by_name_.resize(columns.size());
    std::iota(by_name_.begin(), by_name_.end(), 0);
    std::sort(by_name_.begin(), by_name_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return columns[a].name < columns[b].name; });
}

const Column* Relation::column(std::string_view column_name) const {
    if (by_name_.size() == columns.size()) {
        const auto found =
            std::lower_bound(by_name_.begin(), by_name_.end(), column_name,
                             [this](std::uint32_t at, std::string_view name) { return columns[at].name < name; });
        return found != by_name_.end() && columns[*found].name == column_name ? &columns[*found] : nullptr;
    }
    for (const Column& column : columns)
        if (column.name == column_name) return &column;
    return nullptr;
}

namespace {

const std::string* single_origin_column(const Relationship& entry) {
    return entry.columns.size() == 1 ? &entry.columns.front().first : nullptr;
}

const std::string* single_target_column(const Relationship& entry) {
    return entry.columns.size() == 1 ? &entry.columns.front().second : nullptr;
}

bool equals(const std::string* name, const std::string& wanted) {
    return name && *name == wanted;
}

// A relation that refers to itself: its children by its own name, its parent by the foreign key column.
bool answers_of_self(const Relationship& entry, const Named& named) {
    if (entry.cardinality == Cardinality::OneToMany) {
        if (named.target != entry.target_name) return false;
        return !named.hint || equals(single_target_column(entry), *named.hint);
    }
    return entry.cardinality == Cardinality::ManyToOne && !named.hint &&
           equals(single_origin_column(entry), named.target);
}

bool answers_without_hint(const Relationship& entry, const std::string& target) {
    if (entry.target_name == target) return true;
    if (entry.target_is_view || entry.cardinality == Cardinality::ManyToMany) return false;
    return entry.constraint == target || equals(single_origin_column(entry), target);
}

bool answers_to_hint(const Relationship& entry, const std::string& hint) {
    if (entry.cardinality == Cardinality::ManyToMany) return entry.junction && entry.junction->name == hint;
    return entry.constraint == hint || equals(single_origin_column(entry), hint) ||
           equals(single_target_column(entry), hint);
}

}  // namespace

bool answers_to(const Relationship& entry, const Named& named) {
    if (entry.computed) return entry.computed->function_name == named.target;
    if (entry.self) return answers_of_self(entry, named);
    if (!named.hint) return answers_without_hint(entry, named.target);
    return entry.target_name == named.target && answers_to_hint(entry, *named.hint);
}

}  // namespace pgrest::catalog

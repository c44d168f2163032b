#include "catalog/remembered.h"

#include <algorithm>

#include "catalog/invalidation.h"

namespace pgrest::catalog {

namespace {

// Of each kind: keys, dependents, columns. A request that needs more reads them again, which is slower and no more.
constexpr std::size_t most_items = 50000;

std::size_t items(const TableKeys& keys) {
    std::size_t count = 8;
    for (const ForeignKey& key : keys.foreign_keys)
        count += 8 + key.from.size();
    return count;
}

std::size_t items(const Dependents& dependents) {
    return 4 + dependents.references.size() + dependents.views.size();
}

std::size_t items(const ViewColumns& columns) {
    return 4 + columns.origins.size();
}

}  // namespace

Shown Shown::of_table(Oid table) {
    Shown shown;
    shown.is_table_ = true;
    shown.tables_.push_back(table);
    return shown;
}

void Shown::add(const TableColumn& column, AttributeNumber shown_as) {
    if (std::find(tables_.begin(), tables_.end(), column.first) == tables_.end()) tables_.push_back(column.first);
    columns_.emplace_back(column, shown_as);
}

void Shown::close() {
    std::sort(columns_.begin(), columns_.end());
}

Columns Shown::columns(const TableColumn& column) const {
    if (is_table_) return column.first == tables_.front() ? Columns{column.second} : Columns{};
    Columns found;
    auto at = std::lower_bound(columns_.begin(), columns_.end(), std::pair(column, AttributeNumber{0}));
    for (; at != columns_.end() && at->first == column; ++at)
        found.push_back(at->second);
    return found;
}

Shown::TableColumn Shown::origin(AttributeNumber column) const {
    if (is_table_) return {tables_.front(), column};
    for (const auto& [origin, shown_as] : columns_)
        if (shown_as == column) return origin;
    return {0, 0};
}

template <typename T>
std::shared_ptr<const T> Remembered::keep(KeptOf<T>& kept, Oid relation, std::shared_ptr<const T> value,
                                          std::size_t size, std::uint64_t constraints) {
    if (kept.size + size > most_items) kept.clear();
    kept.size += size;
    kept.by_relation.insert_or_assign(relation, Kept<T>{value, constraints});
    return value;
}

template <typename T, typename Read>
std::shared_ptr<const T> Remembered::find(KeptOf<T>& kept, Oid relation, Read read) {
    const auto found = kept.by_relation.find(relation);
    if (found != kept.by_relation.end()) return found->second.value;
    const std::uint64_t constraints = heard().constraints;
    auto value = std::make_shared<const T>(read(relation));
    const std::size_t size = items(*value);
    return keep<T>(kept, relation, std::move(value), size, constraints);
}

std::shared_ptr<const TableKeys> Remembered::keys(Oid table) {
    return find(keys_, table, read_keys);
}

std::shared_ptr<const Dependents> Remembered::dependents(Oid relation) {
    return find(dependents_, relation, read_dependents);
}

std::shared_ptr<const ViewColumns> Remembered::view_columns(Oid view) {
    return find(views_, view, read_view_columns);
}

std::shared_ptr<const Shown> Remembered::shown(Oid relation) const {
    const auto found = shown_.by_relation.find(relation);
    return found == shown_.by_relation.end() ? nullptr : found->second.value;
}

void Remembered::remember_shown(Oid relation, std::shared_ptr<const Shown> shown) {
    const std::size_t size = 8 + 2 * shown->size();
    keep<Shown>(shown_, relation, std::move(shown), size, 0);
}

template <typename T>
void Remembered::drop_if_changed(KeptOf<T>& kept, Oid relation) {
    const auto found = kept.by_relation.find(relation);
    if (found != kept.by_relation.end() && found->second.constraints != heard().constraints)
        kept.by_relation.erase(found);
}

void Remembered::relation_changed(Oid relation) {
    drop_if_changed(keys_, relation);
    drop_if_changed(dependents_, relation);
}

bool Remembered::has_moved(Oid view, Oid schema) const {
    const auto found = views_.by_relation.find(view);
    return found != views_.by_relation.end() && found->second.value->schema != schema;
}

void Remembered::forget_keys_to_partitioned() {
    std::erase_if(dependents_.by_relation, [](const auto& kept) { return kept.second.value->of_partitioned; });
}

void Remembered::view_changed(Oid view) {
    views_.by_relation.erase(view);
    shown_.clear();
    dependents_.clear();
}

void Remembered::forget_views() {
    views_.clear();
    shown_.clear();
    dependents_.clear();
}

void Remembered::forget_all() {
    keys_.clear();
    forget_views();
}

}  // namespace pgrest::catalog

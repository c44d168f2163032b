// What was read of the keys and views of those relations that requests named, until a change concerns it. Bounded.
// Throws pg::Error.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "catalog/keys.h"
#include "catalog/view_columns.h"

namespace pgrest::catalog {

// The table columns that a relation shows, and under which of its own columns. A table shows its own.
class Shown {
public:
    using TableColumn = std::pair<Oid, AttributeNumber>;

    static Shown of_table(Oid table);
    void add(const TableColumn& column, AttributeNumber shown_as);  // then close()
    void close();

    const std::vector<Oid>& tables() const { return tables_; }  // in the order in which they first appear
    // The relation's columns that show it; empty when none does.
    Columns columns(const TableColumn& column) const;
    // The table column that a column shows; table 0: none.
    TableColumn origin(AttributeNumber column) const;
    std::size_t size() const { return columns_.size(); }

private:
    bool is_table_ = false;
    std::vector<Oid> tables_;
    std::vector<std::pair<TableColumn, AttributeNumber>> columns_;  // sorted when closed
};

class Remembered {
public:
    std::shared_ptr<const TableKeys> keys(Oid table);
    std::shared_ptr<const Dependents> dependents(Oid relation);
    std::shared_ptr<const ViewColumns> view_columns(Oid view);
    // nullptr when it is not known
    std::shared_ptr<const Shown> shown(Oid relation) const;
    void remember_shown(Oid relation, std::shared_ptr<const Shown> shown);

    // ---- changes
    // PostgreSQL says that something of this relation changed; its keys have changed only if a constraint has.
    void relation_changed(Oid relation);
    void view_changed(Oid view);  // its rule, or its schema; also of one that is new
    // Is it a known view that was in another schema?
    bool has_moved(Oid view, Oid schema) const;
    // Some constraint changed: PostgreSQL may not say of a partitioned table that a key to it has.
    void forget_keys_to_partitioned();
    void forget_views();
    void forget_all();

private:
    template <typename T>
    struct Kept {
        std::shared_ptr<const T> value;
        std::uint64_t constraints;  // how many changes of constraints were known when it was read
    };
    template <typename T>
    struct KeptOf {
        std::unordered_map<Oid, Kept<T>> by_relation;
        std::size_t size = 0;  // of all that was put in, in items
        void clear() {
            by_relation.clear();
            size = 0;
        }
    };

    template <typename T>
    std::shared_ptr<const T> keep(KeptOf<T>& kept, Oid relation, std::shared_ptr<const T> value, std::size_t size,
                                  std::uint64_t constraints);
    template <typename T, typename Read>
    std::shared_ptr<const T> find(KeptOf<T>& kept, Oid relation, Read read);
    template <typename T>
    void drop_if_changed(KeptOf<T>& kept, Oid relation);

    KeptOf<TableKeys> keys_;
    KeptOf<Dependents> dependents_;
    KeptOf<ViewColumns> views_;
    KeptOf<Shown> shown_;
};

}  // namespace pgrest::catalog

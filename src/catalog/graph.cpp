#include "catalog/graph.h"

#include <algorithm>

#include "catalog/query.h"
#include "catalog/view_columns.h"

namespace pgrest::catalog {

namespace {

using Names = std::vector<std::string>;

struct RelationName {
    Oid oid = 0;
    std::string schema;
    std::string name;
    bool is_view = false;
};

struct ForeignKey {
    std::string constraint;
    Oid referencing = 0;
    Oid referenced = 0;
    Names referencing_columns;
    Names referenced_columns;
    bool one_to_one = false;
};

// A relation on one side of a key, with the names that it gives the key's columns.
struct Side {
    const RelationName* relation;
    Names columns;
};

struct View {
    Oid oid = 0;
    // base table and column -> columns of the view that show it
    std::map<std::pair<Oid, std::string>, Names> shows;
    std::vector<Oid> base_tables;  // in the order in which they first appear
};

constexpr const char* kRelations =
    "SELECT c.oid::text, n.nspname, c.relname, (c.relkind IN ('v','m'))::text FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r','p','v','m','f') AND c.relpersistence <> 't'"
    " AND n.nspname NOT IN ('pg_catalog','information_schema','pg_toast')";

constexpr const char* kForeignKeys =
    "SELECT c.conname, c.conrelid::text, c.confrelid::text,"
    " (SELECT pg_catalog.array_agg(a.attname ORDER BY k.n)::text FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY "
    "k(num, n)"
    "   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num),"
    " (SELECT pg_catalog.array_agg(a.attname ORDER BY k.n)::text FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY "
    "k(num, n)"
    "   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num),"
    " EXISTS (SELECT 1 FROM pg_catalog.pg_constraint u WHERE u.conrelid = c.conrelid AND u.contype IN ('p','u')"
    "   AND u.conkey @> c.conkey AND u.conkey <@ c.conkey)::text"
    " FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0 ORDER BY c.oid";

constexpr const char* kPrimaryKeys =
    "SELECT c.conrelid::text, (SELECT pg_catalog.array_agg(a.attname ORDER BY k.n)::text"
    "   FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY k(num, n)"
    "   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)"
    " FROM pg_catalog.pg_constraint c WHERE c.contype = 'p'";

// Functions of one row of a relation that return rows of a relation.
constexpr const char* kComputed =
    "SELECT n.nspname, p.proname, a.typrelid::text, r.typrelid::text,"
    " (NOT p.proretset OR p.prorows = 1)::text, p.proretset::text FROM pg_catalog.pg_proc p"
    " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
    " JOIN pg_catalog.pg_type a ON a.oid = p.proargtypes[0] JOIN pg_catalog.pg_type r ON r.oid = p.prorettype"
    " JOIN pg_catalog.pg_class ac ON ac.oid = a.typrelid JOIN pg_catalog.pg_class rc ON rc.oid = r.typrelid"
    " WHERE p.prokind = 'f' AND p.pronargs = 1 AND p.proallargtypes IS NULL"
    " AND ac.relkind IN ('r','p','v','m','f') AND rc.relkind IN ('r','p','v','m','f')";

Oid oid_of(const std::optional<std::string>& text) {
    return text ? static_cast<Oid>(std::stoul(*text)) : 0;
}

bool contains(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

class GraphReader {
public:
    GraphReader(const Names& exposed, const Names& extra) : exposed_(exposed), extra_(extra) {}

    Graph read() {
        read_relations();
        read_keys();
        read_views();
        add_foreign_keys();
        add_inverses();
        add_junctions();
        add_computed();
        store();
        return std::move(graph_);
    }

private:
    void read_relations() {
        for (const Row& row : query_catalogs(kRelations)) {
            RelationName relation{oid_of(row[0]), *row[1], *row[2], *row[3] == "true"};
            graph_.known_.insert(relation.oid);
            relations_.emplace(relation.oid, std::move(relation));
        }
    }

    void read_keys() {
        for (const Row& row : query_catalogs(kPrimaryKeys))
            if (row[1]) graph_.primary_keys_[oid_of(row[0])] = array_elements(*row[1]);
        for (const Row& row : query_catalogs(kForeignKeys)) {
            if (!row[3] || !row[4]) continue;
            foreign_keys_.push_back({*row[0], oid_of(row[1]), oid_of(row[2]), array_elements(*row[3]),
                                     array_elements(*row[4]), *row[5] == "true"});
        }
    }

    // ---- views

    bool may_trace_through(const RelationName& relation) const {
        return contains(exposed_, relation.schema) || contains(extra_, relation.schema);
    }

    void read_views() {
        for (const auto& [oid, relation] : relations_)
            if (relation.is_view && may_trace_through(relation)) columns_of_views_[oid] = view_columns(oid);
        for (const auto& [oid, relation] : relations_) {
            if (!relation.is_view || !contains(exposed_, relation.schema)) continue;
            View view;
            view.oid = oid;
            for (const ViewColumn& column : columns_of_views_[oid])
                trace(view, column, column.name, 0);
            inherit_primary_key(view);
            views_.push_back(std::move(view));
        }
    }

    void trace(View& view, const ViewColumn& column, const std::string& shown_as, int depth) {
        constexpr int kDeepest = 100;  // views cannot be circular; this only guards against a broken catalog
        if (column.table == 0 || depth > kDeepest) return;
        const auto target = relations_.find(column.table);
        if (target == relations_.end()) return;
        if (!target->second.is_view) {
            view.shows[{column.table, column.column}].push_back(shown_as);
            if (std::find(view.base_tables.begin(), view.base_tables.end(), column.table) == view.base_tables.end())
                view.base_tables.push_back(column.table);
            return;
        }
        const auto through = columns_of_views_.find(column.table);
        if (through == columns_of_views_.end()) return;
        for (const ViewColumn& inner : through->second)
            if (inner.name == column.column) trace(view, inner, shown_as, depth + 1);
    }

    void inherit_primary_key(const View& view) {
        Names key;
        for (const Oid table : view.base_tables) {
            const auto found = graph_.primary_keys_.find(table);
            if (found == graph_.primary_keys_.end()) continue;
            Names shown;
            for (const std::string& column : found->second) {
                const auto columns = view.shows.find({table, column});
                if (columns != view.shows.end()) shown.push_back(columns->second.front());
            }
            if (shown.size() == found->second.size()) key.insert(key.end(), shown.begin(), shown.end());
        }
        if (!key.empty()) graph_.primary_keys_[view.oid] = std::move(key);
    }

    // ---- foreign keys

    // The table itself and every view that shows all of the columns, once for each combination of view columns.
    std::vector<Side> sides(Oid table, const Names& columns) const {
        std::vector<Side> found;
        const auto relation = relations_.find(table);
        if (relation != relations_.end()) found.push_back({&relation->second, columns});
        for (const View& view : views_) {
            std::vector<Names> combinations{{}};
            for (const std::string& column : columns) {
                const auto shown = view.shows.find({table, column});
                std::vector<Names> longer;
                if (shown != view.shows.end())
                    for (const Names& names : combinations)
                        for (const std::string& name : shown->second) {
                            longer.push_back(names);
                            longer.back().push_back(name);
                        }
                combinations = std::move(longer);
            }
            for (Names& names : combinations)
                found.push_back({&relations_.at(view.oid), std::move(names)});
        }
        return found;
    }

    void add_foreign_keys() {
        for (const ForeignKey& key : foreign_keys_) {
            const std::vector<Side> targets = sides(key.referenced, key.referenced_columns);
            for (const Side& origin : sides(key.referencing, key.referencing_columns))
                for (const Side& target : targets)
                    add_to_one(key, origin, target);
        }
    }

    void add_to_one(const ForeignKey& key, const Side& origin, const Side& target) {
        Relationship entry;
        entry.cardinality = key.one_to_one ? Cardinality::OneToOne : Cardinality::ManyToOne;
        entry.constraint = key.constraint;
        entry.origin_schema = origin.relation->schema;
        entry.origin_name = origin.relation->name;
        entry.target_schema = target.relation->schema;
        entry.target_name = target.relation->name;
        entry.origin_is_view = origin.relation->is_view;
        entry.target_is_view = target.relation->is_view;
        entry.self = origin.relation->oid == target.relation->oid;
        for (std::size_t i = 0; i < origin.columns.size(); ++i)
            entry.columns.emplace_back(origin.columns[i], target.columns[i]);
        to_one_.push_back(std::move(entry));
        origins_.push_back(origin.relation->oid);
    }

    void add_inverses() {
        for (const Relationship& entry : to_one_) {
            Relationship inverse = entry;
            std::swap(inverse.origin_schema, inverse.target_schema);
            std::swap(inverse.origin_name, inverse.target_name);
            std::swap(inverse.origin_is_view, inverse.target_is_view);
            for (auto& pair : inverse.columns)
                std::swap(pair.first, pair.second);
            if (inverse.cardinality == Cardinality::ManyToOne) inverse.cardinality = Cardinality::OneToMany;
            entries_.push_back(entry);
            entries_.push_back(std::move(inverse));
        }
    }

    // ---- many to many

    bool inside_primary_key(Oid relation, const Relationship& entry) const {
        const Names& key = graph_.primary_key(relation);
        return !key.empty() && std::all_of(entry.columns.begin(), entry.columns.end(),
                                           [&](const auto& pair) { return contains(key, pair.first); });
    }

    void add_junctions() {
        std::map<Oid, std::vector<const Relationship*>> by_junction;
        for (std::size_t i = 0; i < to_one_.size(); ++i) {
            const Relationship& entry = to_one_[i];
            if (entry.cardinality != Cardinality::ManyToOne || entry.self) continue;
            if (!contains(exposed_, entry.origin_schema) || !inside_primary_key(origins_[i], entry)) continue;
            by_junction[origins_[i]].push_back(&entry);
        }
        for (const auto& [junction, entries] : by_junction)
            for (const Relationship* to_origin : entries)
                for (const Relationship* to_target : entries)
                    if (to_origin->constraint != to_target->constraint) add_many_to_many(*to_origin, *to_target);
    }

    void add_many_to_many(const Relationship& to_origin, const Relationship& to_target) {
        if (to_origin.origin_schema != to_origin.target_schema || to_origin.origin_schema != to_target.target_schema)
            return;
        Relationship entry;
        entry.cardinality = Cardinality::ManyToMany;
        entry.origin_schema = to_origin.target_schema;
        entry.origin_name = to_origin.target_name;
        entry.origin_is_view = to_origin.target_is_view;
        entry.target_schema = to_target.target_schema;
        entry.target_name = to_target.target_name;
        entry.target_is_view = to_target.target_is_view;
        entry.self = entry.origin_schema == entry.target_schema && entry.origin_name == entry.target_name;
        Junction junction;
        junction.schema = to_origin.origin_schema;
        junction.name = to_origin.origin_name;
        junction.origin_constraint = to_origin.constraint;
        junction.target_constraint = to_target.constraint;
        for (const auto& [column, origin] : to_origin.columns)
            junction.origin_columns.emplace_back(origin, column);
        for (const auto& [column, target] : to_target.columns)
            junction.target_columns.emplace_back(target, column);
        entry.junction = std::move(junction);
        entries_.push_back(std::move(entry));
    }

    // ---- computed

    void add_computed() {
        for (const Row& row : query_catalogs(kComputed)) {
            const auto origin = relations_.find(oid_of(row[2]));
            const auto target = relations_.find(oid_of(row[3]));
            if (origin == relations_.end() || target == relations_.end()) continue;
            if (!contains(exposed_, *row[0])) continue;
            override_detected(origin->second, *row[0], *row[1]);
            if (origin->second.schema != *row[0] || !contains(exposed_, target->second.schema)) continue;
            Relationship entry;
            entry.cardinality = *row[4] == "true" ? Cardinality::ManyToOne : Cardinality::OneToMany;
            entry.origin_schema = origin->second.schema;
            entry.origin_name = origin->second.name;
            entry.target_schema = target->second.schema;
            entry.target_name = target->second.name;
            entry.origin_is_view = origin->second.is_view;
            entry.target_is_view = target->second.is_view;
            entry.computed = ComputedRelationship{*row[0], *row[1], *row[5] == "true"};
            computed_.push_back(std::move(entry));
        }
    }

    // A function named like a relation takes the place of what was detected from its argument's relation to that one.
    void override_detected(const RelationName& origin, const std::string& schema, const std::string& name) {
        entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                      [&](const Relationship& entry) {
                                          return entry.origin_schema == origin.schema &&
                                                 entry.origin_name == origin.name && entry.target_schema == schema &&
                                                 entry.target_name == name;
                                      }),
                       entries_.end());
    }

    void store() {
        entries_.insert(entries_.end(), std::make_move_iterator(computed_.begin()),
                        std::make_move_iterator(computed_.end()));
        for (Relationship& entry : entries_) {
            if (!entry.computed && entry.origin_schema != entry.target_schema) continue;
            graph_.by_origin_[{entry.origin_schema, entry.origin_name}].push_back(std::move(entry));
        }
    }

    const Names& exposed_;
    const Names& extra_;
    Graph graph_;
    std::map<Oid, RelationName> relations_;
    std::vector<ForeignKey> foreign_keys_;
    std::map<Oid, std::vector<ViewColumn>> columns_of_views_;
    std::vector<View> views_;
    std::vector<Relationship> to_one_;
    std::vector<Oid> origins_;  // the origin's oid of each entry of to_one_
    std::vector<Relationship> entries_;
    std::vector<Relationship> computed_;
};

Graph Graph::read(const std::vector<std::string>& exposed, const std::vector<std::string>& extra) {
    return GraphReader(exposed, extra).read();
}

std::vector<Relationship> Graph::relationships(std::string_view schema, std::string_view name) const {
    const auto found = by_origin_.find({std::string(schema), std::string(name)});
    return found == by_origin_.end() ? std::vector<Relationship>{} : found->second;
}

const std::vector<std::string>& Graph::primary_key(Oid relation) const {
    static const std::vector<std::string> none;
    const auto found = primary_keys_.find(relation);
    return found == primary_keys_.end() ? none : found->second;
}

}  // namespace pgrest::catalog

#include "catalog/relationship_finder.h"

#include <algorithm>
#include <set>

namespace pgrest::catalog {

namespace {

using Names = RelationshipFinder::Names;

constexpr std::size_t most_entries = Catalog::kMostRelationships;
constexpr std::size_t most_views = 2000;   // that are looked at for one relation
constexpr std::size_t most_targets = 300;  // that a hint chooses from
constexpr int deepest_view = 100;          // views cannot be circular; this only guards against a broken catalog

bool contains(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool contains(const Columns& columns, AttributeNumber column) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
}

bool are_inside(const Columns& columns, const Columns& key) {
    return std::all_of(columns.begin(), columns.end(), [&](AttributeNumber column) { return contains(key, column); });
}

// One column out of each list, in all ways, until `use` says false.
template <typename F>
void for_each_choice(const std::vector<Columns>& lists, F use) {
    for (const Columns& list : lists)
        if (list.empty()) return;
    std::vector<std::size_t> at(lists.size(), 0);
    Columns chosen(lists.size());
    for (;;) {
        for (std::size_t i = 0; i < lists.size(); ++i)
            chosen[i] = lists[i][at[i]];
        if (!use(chosen)) return;
        std::size_t i = lists.size();
        while (i > 0 && ++at[i - 1] == lists[i - 1].size())
            at[--i] = 0;
        if (i == 0) return;
    }
}

}  // namespace

// ---- one search

class RelationshipFinder::Search {
public:
    Search(RelationshipFinder& finder, const Side& origin, const Named& named)
        : finder_(finder), origin_(origin), named_(named) {}

    // Everything between the origin and the relation that the name may mean.
    void add_between(const Side& target) {
        if (is_overridden(target.relation)) return;
        add_keys(origin_, target, true);
        add_keys(target, origin_, false);
        if (origin_.relation.oid != target.relation.oid) add_junctions(target);
    }

    // Tables that are not called by their name, but by a constraint or a column of the origin.
    void add_by_key(Oid but_for) {
        add_parent(but_for);
        const AttributeNumber number = column_number(origin_.relation.oid, named_.target);
        const Shown::TableColumn column = number > 0 ? origin_.shown->origin(number) : Shown::TableColumn{0, 0};
        for (const Oid table : origin_.shown->tables())
            for (const ForeignKey& key : finder_.remembered_.keys(table)->foreign_keys)
                if (is_of(key.referencing, key.from, column) || constraint_name(key.constraint) == named_.target)
                    add_table(key, key.referenced, but_for);
        if (column.first != 0)
            for (const Reference& reference : finder_.remembered_.dependents(column.first)->references)
                add_referencing(reference, but_for, &column);
        for (const Reference& reference : read_foreign_keys_named(origin_.relation.schema_oid, named_.target))
            add_referencing(reference, but_for, nullptr);
    }

    void add_computed() {
        const auto function = find_row_function(origin_.relation.schema, named_.target, origin_.relation.row_type);
        if (!function) return;
        const auto target = find_relation(function->result);
        if (!target || !finder_.is_exposed(target->schema)) return;
        Relationship entry = entry_between(origin_.relation, *target);
        entry.self = false;
        entry.cardinality = function->to_one ? Cardinality::ManyToOne : Cardinality::OneToMany;
        entry.computed = ComputedRelationship{origin_.relation.schema, named_.target, function->returns_set};
        entries_.push_back(std::move(entry));
    }

    std::vector<Relationship> take() { return std::move(entries_); }

private:
    bool is_full() const { return entries_.size() >= most_entries; }

    // A function named like the target takes the place of what is detected.
    bool is_overridden(const NamedRelation& target) const {
        return find_row_function(target.schema, target.name, origin_.relation.row_type).has_value();
    }

    static Relationship entry_between(const NamedRelation& origin, const NamedRelation& target) {
        Relationship entry;
        entry.origin_schema = origin.schema;
        entry.origin_name = origin.name;
        entry.target_schema = target.schema;
        entry.target_name = target.name;
        entry.origin_is_view = origin.is_view;
        entry.target_is_view = target.is_view;
        entry.self = origin.oid == target.oid;
        return entry;
    }

    // ---- foreign keys

    static bool is_of(Oid table, const Columns& columns, const Shown::TableColumn& column) {
        return columns.size() == 1 && table == column.first && columns.front() == column.second;
    }

    // The parent of a relation that refers to itself, which a view can be though its table is not.
    void add_parent(Oid but_for) {
        if (origin_.relation.oid != but_for && !is_overridden(origin_.relation)) add_keys(origin_, origin_, true);
    }

    // column: the one that the key has to refer to, alone; nullptr: whichever.
    void add_referencing(const Reference& reference, Oid but_for, const Shown::TableColumn* column) {
        if (is_full()) return;
        const auto key = finder_.foreign_key(reference);
        if (key && (!column || is_of(key->referenced, key->to, *column)))
            add_table(*key, reference.referencing, but_for);
    }

    // but_for: a relation whose entries are there already, as are those of the origin itself.
    void add_table(const ForeignKey& key, Oid table, Oid but_for) {
        if (table == but_for || table == origin_.relation.oid) return;
        if (is_full() || !added_.insert({key.constraint, table}).second) return;
        const auto target = finder_.side(find_relation(table));
        if (!target || target->relation.schema != origin_.relation.schema || is_overridden(target->relation)) return;
        if (table == key.referenced) add_key(key, origin_, *target, true);
        if (table == key.referencing) add_key(key, *target, origin_, false);
    }

    void add_keys(const Side& referencing, const Side& referenced, bool upwards) {
        for (const Oid table : referencing.shown->tables())
            for (const ForeignKey& key : finder_.remembered_.keys(table)->foreign_keys)
                add_key(key, referencing, referenced, upwards);
    }

    // upwards: the origin is the referencing side.
    void add_key(const ForeignKey& key, const Side& referencing, const Side& referenced, bool upwards) {
        if (is_full()) return;
        std::vector<Columns> from;
        std::vector<Columns> to;
        for (std::size_t i = 0; i < key.from.size(); ++i) {
            from.push_back(referencing.shown->columns({key.referencing, key.from[i]}));
            to.push_back(referenced.shown->columns({key.referenced, key.to[i]}));
            if (from.back().empty() || to.back().empty()) return;
        }
        const Side& origin = upwards ? referencing : referenced;
        const Side& target = upwards ? referenced : referencing;
        Relationship entry = entry_between(origin.relation, target.relation);
        entry.constraint = constraint_name(key.constraint);
        entry.cardinality = key.one_to_one ? Cardinality::OneToOne
                            : upwards      ? Cardinality::ManyToOne
                                           : Cardinality::OneToMany;
        // a table that holds a key to itself has the entries of both directions, but one of a one-to-one key is enough
        add_choices(entry, origin.relation.oid, upwards ? from : to, target.relation.oid, upwards ? to : from);
    }

    // An entry for each way to choose the columns. Of a key of one column the names can decide; they are looked for
    // among the columns before anything is combined.
    void add_choices(const Relationship& entry, Oid origin, const std::vector<Columns>& origin_columns, Oid target,
                     const std::vector<Columns>& target_columns) {
        std::vector<Columns> lists = origin_columns;
        lists.insert(lists.end(), target_columns.begin(), target_columns.end());
        const std::size_t width = origin_columns.size();
        Relationship unnamed = entry;
        unnamed.columns.assign(width, {"", ""});
        if (answers_to(unnamed, named_)) {
            add_all(entry, lists, origin, target);
            return;
        }
        if (width != 1) return;
        const std::string& wanted = named_.hint ? *named_.hint : named_.target;
        const AttributeNumber of_origin = column_number(origin, wanted);
        const AttributeNumber of_target = column_number(target, wanted);
        if (contains(lists[0], of_origin)) add_all(entry, {{of_origin}, lists[1]}, origin, target);
        if (!contains(lists[1], of_target)) return;
        lists[0].erase(std::remove(lists[0].begin(), lists[0].end(), of_origin), lists[0].end());
        add_all(entry, {lists[0], {of_target}}, origin, target);
    }

    void add_all(const Relationship& entry, const std::vector<Columns>& lists, Oid origin, Oid target) {
        for_each_choice(lists, [&](const Columns& chosen) {
            Relationship found = entry;
            found.columns = pairs(chosen, origin, target);
            if (answers_to(found, named_)) entries_.push_back(std::move(found));
            return !is_full();
        });
    }

    static std::vector<std::pair<std::string, std::string>> pairs(const Columns& chosen, Oid first, Oid second) {
        const std::size_t width = chosen.size() / 2;
        std::vector<std::pair<std::string, std::string>> names;
        for (std::size_t i = 0; i < width; ++i)
            names.emplace_back(column_name(first, chosen[i]), column_name(second, chosen[width + i]));
        return names;
    }

    // ---- many to many

    void add_junctions(const Side& target) {
        if (named_.hint) {
            if (const auto junction = finder_.side(find_relation(origin_.relation.schema, *named_.hint)))
                add_junction(*junction, target);
            return;
        }
        const std::vector<ForeignKey> to_origin = finder_.junction_keys(origin_);
        if (to_origin.empty()) return;
        const std::vector<ForeignKey> to_target = finder_.junction_keys(target);
        if (to_target.empty()) return;
        std::set<Oid> junctions;
        const std::set<Oid> others = junctions_of(to_target);
        for (const Oid relation : junctions_of(to_origin))
            if (others.count(relation)) junctions.insert(relation);
        for (const Oid relation : junctions) {
            if (is_full()) return;
            if (const auto junction = finder_.side(find_relation(relation))) add_junction(*junction, target);
        }
    }

    // The tables that hold the keys, and views over them.
    std::set<Oid> junctions_of(const std::vector<ForeignKey>& keys) {
        std::set<Oid> tables;
        for (const ForeignKey& key : keys)
            tables.insert(key.referencing);
        std::set<Oid> found = tables;
        for (const Oid table : tables)
            for (const NamedRelation& view : finder_.views_over(table))
                found.insert(view.oid);
        return found;
    }

    void add_junction(const Side& junction, const Side& target) {
        const NamedRelation& relation = junction.relation;
        if (relation.schema != origin_.relation.schema) return;
        if (relation.oid == origin_.relation.oid || relation.oid == target.relation.oid) return;
        const Columns key = finder_.key_columns(junction);
        if (key.empty()) return;
        const std::vector<Relationship> to_origin = inside_key(junction, key, origin_);
        if (to_origin.empty()) return;
        for (const Relationship& to_target : inside_key(junction, key, target))
            for (const Relationship& back : to_origin)
                if (back.constraint != to_target.constraint && !is_full()) add_many_to_many(back, to_target);
    }

    // Many-to-one entries of the junction whose columns are all part of its primary key.
    std::vector<Relationship> inside_key(const Side& junction, const Columns& key, const Side& end) {
        std::vector<Relationship> found;
        for (const Oid table : junction.shown->tables())
            for (const ForeignKey& foreign : finder_.remembered_.keys(table)->foreign_keys)
                if (!foreign.one_to_one) add_inside_key(found, junction, key, end, foreign);
        return found;
    }

    static void add_inside_key(std::vector<Relationship>& found, const Side& junction, const Columns& key,
                               const Side& end, const ForeignKey& foreign) {
        std::vector<Columns> lists;
        for (const AttributeNumber column : foreign.from) {
            Columns shown = junction.shown->columns({foreign.referencing, column});
            shown.erase(
                std::remove_if(shown.begin(), shown.end(), [&](AttributeNumber one) { return !contains(key, one); }),
                shown.end());
            if (shown.empty()) return;
            lists.push_back(std::move(shown));
        }
        for (const AttributeNumber column : foreign.to) {
            lists.push_back(end.shown->columns({foreign.referenced, column}));
            if (lists.back().empty()) return;
        }
        Relationship entry = entry_between(junction.relation, end.relation);
        entry.constraint = constraint_name(foreign.constraint);
        for_each_choice(lists, [&](const Columns& chosen) {
            if (found.size() >= most_entries) return false;
            found.push_back(entry);
            found.back().columns = pairs(chosen, junction.relation.oid, end.relation.oid);
            return true;
        });
    }

    void add_many_to_many(const Relationship& to_origin, const Relationship& to_target) {
        Relationship entry;
        entry.cardinality = Cardinality::ManyToMany;
        entry.origin_schema = to_origin.target_schema;
        entry.origin_name = to_origin.target_name;
        entry.origin_is_view = to_origin.target_is_view;
        entry.target_schema = to_target.target_schema;
        entry.target_name = to_target.target_name;
        entry.target_is_view = to_target.target_is_view;
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
        if (answers_to(entry, named_)) entries_.push_back(std::move(entry));
    }

    RelationshipFinder& finder_;
    const Side& origin_;
    const Named& named_;
    std::vector<Relationship> entries_;
    std::set<std::pair<Oid, Oid>> added_;  // keys and the tables that they lead to
};

// ---- relations

bool RelationshipFinder::is_exposed(const std::string& schema) const {
    return contains(exposed_, schema);
}

bool RelationshipFinder::may_trace_through(const std::string& schema) const {
    return is_exposed(schema) || contains(extra_, schema);
}

std::optional<RelationshipFinder::Side> RelationshipFinder::side(const std::optional<NamedRelation>& relation) {
    if (!relation) return {};
    return Side{*relation, shown(*relation)};
}

std::shared_ptr<const Shown> RelationshipFinder::shown(const NamedRelation& relation) {
    if (auto known = remembered_.shown(relation.oid)) return known;
    Shown found;
    if (!relation.is_view) {
        found = Shown::of_table(relation.oid);
    } else if (is_exposed(relation.schema)) {
        const auto columns = remembered_.view_columns(relation.oid);
        for (std::size_t i = 0; i < columns->origins.size(); ++i)
            trace(found, columns->origins[i], static_cast<AttributeNumber>(i + 1));
    }
    found.close();
    auto kept = std::make_shared<const Shown>(std::move(found));
    remembered_.remember_shown(relation.oid, kept);
    return kept;
}

void RelationshipFinder::trace(Shown& shown, ColumnOrigin from, AttributeNumber shown_as) {
    for (int depth = 0; from.relation != 0 && depth < deepest_view; ++depth) {
        const auto relation = find_relation(from.relation);
        if (!relation) return;
        if (!relation->is_view) {
            shown.add({from.relation, from.column}, shown_as);
            return;
        }
        if (!may_trace_through(relation->schema)) return;
        const auto columns = remembered_.view_columns(from.relation);
        if (from.column < 1 || static_cast<std::size_t>(from.column) > columns->origins.size()) return;
        from = columns->origins[from.column - 1];
    }
}

std::vector<NamedRelation> RelationshipFinder::views_over(Oid relation) {
    std::vector<NamedRelation> found;
    std::set<Oid> seen;
    std::vector<Oid> todo{relation};
    while (!todo.empty() && seen.size() < most_views) {
        const Oid next = todo.back();
        todo.pop_back();
        const auto dependents = remembered_.dependents(next);
        for (const Oid oid : dependents->views) {
            if (seen.size() >= most_views || !seen.insert(oid).second) continue;
            const auto view = find_relation(oid);
            if (!view || !view->is_view || !may_trace_through(view->schema)) continue;
            todo.push_back(oid);
            if (is_exposed(view->schema)) found.push_back(*view);
        }
    }
    return found;
}

Columns RelationshipFinder::key_columns(const Side& side) {
    Columns key;
    for (const Oid table : side.shown->tables()) {
        const auto keys = remembered_.keys(table);
        Columns shown_key;
        for (const AttributeNumber column : keys->primary_key) {
            const Columns columns = side.shown->columns({table, column});
            if (!columns.empty()) shown_key.push_back(columns.front());
        }
        if (shown_key.size() == keys->primary_key.size()) key.insert(key.end(), shown_key.begin(), shown_key.end());
    }
    return key;
}

std::optional<ForeignKey> RelationshipFinder::foreign_key(const Reference& reference) {
    const auto keys = remembered_.keys(reference.referencing);
    for (const ForeignKey& key : keys->foreign_keys)
        if (key.constraint == reference.constraint) return key;
    return {};
}

std::vector<ForeignKey> RelationshipFinder::junction_keys(const Side& side) {
    std::vector<ForeignKey> found;
    for (const Oid table : side.shown->tables()) {
        const auto dependents = remembered_.dependents(table);
        for (const Reference& reference : dependents->references) {
            const auto keys = remembered_.keys(reference.referencing);
            const auto key = foreign_key(reference);
            if (key && !key->one_to_one && are_inside(key->from, keys->primary_key)) found.push_back(*key);
        }
    }
    return found;
}

// ---- questions

std::vector<Relationship> RelationshipFinder::find(std::string_view schema, std::string_view origin,
                                                   const Named& named) {
    const auto from = side(find_relation(schema, origin));
    if (!from) return {};
    Search search(*this, *from, named);
    const auto target = side(find_relation(schema, named.target));
    if (target) search.add_between(*target);
    if (!named.hint) search.add_by_key(target ? target->relation.oid : 0);
    search.add_computed();
    return search.take();
}

Names RelationshipFinder::targets(std::string_view schema, std::string_view origin) {
    const auto from = side(find_relation(schema, origin));
    if (!from) return {};
    std::set<std::string> names;
    for (const Oid function : read_functions_of_row(from->relation.row_type, most_targets)) {
        const QualifiedName name = function_name(function);
        if (name.schema == schema && find_row_function(name.schema, name.name, from->relation.row_type))
            names.insert(name.name);
    }
    std::set<Oid> neighbours;
    for (const Oid table : from->shown->tables()) {
        for (const ForeignKey& key : remembered_.keys(table)->foreign_keys)
            neighbours.insert(key.referenced);
        for (const Reference& reference : remembered_.dependents(table)->references) {
            neighbours.insert(reference.referencing);
            if (neighbours.size() > most_targets) break;
            for (const ForeignKey& key : remembered_.keys(reference.referencing)->foreign_keys)
                if (key.constraint != reference.constraint) neighbours.insert(key.referenced);
        }
    }
    for (const Oid neighbour : neighbours) {
        if (names.size() >= most_targets) break;
        const auto relation = find_relation(neighbour);
        if (relation && relation->schema == schema) names.insert(relation->name);
        for (const NamedRelation& view : views_over(neighbour))
            if (view.schema == schema) names.insert(view.name);
    }
    return {names.begin(), names.end()};
}

Names RelationshipFinder::primary_key(Oid relation) {
    const auto of = side(find_relation(relation));
    if (!of) return {};
    Names names;
    for (const AttributeNumber column : key_columns(*of))
        names.push_back(column_name(relation, column));
    return names;
}

}  // namespace pgrest::catalog

#include "catalog/pg_catalog.h"

#include <algorithm>

#include "catalog/function_reader.h"
#include "catalog/invalidation.h"
#include "catalog/relationship_finder.h"
#include "catalog/similar_names.h"
#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

constexpr std::size_t most_columns = 20000;  // of all kept relations
constexpr std::size_t most_answers = 500;

std::uint64_t heard_of_relations() {
    return heard().attributes + heard().constraints;
}

bool is_domain(Oid type) {
    return pg::guarded([=] { return get_typtype(type) == TYPTYPE_DOMAIN; });
}

std::uint32_t hash_of_type(Oid type) {
    return pg::guarded([=] { return GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type)); });
}

// What the row of pg_class says.
struct RowOfClass {
    bool found;
    bool temporary;
    bool partition;
    ::Oid schema;
    NameData name;
    std::uint32_t rule;
};

RowOfClass read_row_of_class(::Oid relation) {
    RowOfClass row{};
    row.rule = GetSysCacheHashValue2(RULERELNAME, ObjectIdGetDatum(relation), CStringGetDatum(ViewSelectRuleName));
    HeapTuple const tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple)) return row;
    auto* const form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    row.found = true;
    row.temporary = form->relpersistence == RELPERSISTENCE_TEMP;
    row.partition = form->relispartition;
    row.schema = form->relnamespace;
    row.name = form->relname;
    ReleaseSysCache(tuple);
    return row;
}

bool is_same(const Relation& relation, const RowOfClass& row) {
    return row.found && !row.partition && row.schema == relation.schema_oid &&
           pg::name_from_server(NameStr(row.name)) == relation.name;
}

std::string key_of(std::string_view schema, std::string_view origin, const Named& named) {
    std::string key(schema);
    key.append(1, '\0').append(origin).append(1, '\0').append(named.target);
    if (named.hint) key.append(1, '\0').append(*named.hint);
    return key;
}

}  // namespace

PgCatalog::PgCatalog() {
    pg::guarded([] { watch_invalidations(); });
}

PgCatalog& PgCatalog::of_process() {
    static PgCatalog catalog;
    return catalog;
}

void PgCatalog::use(const std::vector<std::string>& exposed, const std::vector<std::string>& extra) {
    if (exposed == exposed_ && extra == extra_) return;
    exposed_ = exposed;
    extra_ = extra;
    forget_all();
}

// ---- changes

void PgCatalog::forget_all() {
    relations_.clear();
    kept_columns_ = 0;
    answers_.clear();
    remembered_.forget_all();
}

void PgCatalog::drop_relations_of_types(const std::vector<std::uint32_t>& types) {
    std::erase_if(relations_, [&](const auto& kept) {
        return std::any_of(kept.second.types.begin(), kept.second.types.end(), [&](std::uint32_t type) {
            return std::find(types.begin(), types.end(), type) != types.end();
        });
    });
}

void PgCatalog::drop_relations_with_domains() {
    std::erase_if(relations_, [](const auto& kept) { return kept.second.has_domains; });
}

void PgCatalog::take_invalidations() {
    if (!any_invalidations()) return;
    TakenInvalidations taken;
    const Invalidations& changed = *taken;
    if (changed.everything) {
        forget_all();
        taken.done();
        return;
    }
    if (changed.representations) drop_relations_with_domains();
    if (changed.types.count > 0)
        drop_relations_of_types({changed.types.items, changed.types.items + changed.types.count});
    if (constraints_ != heard().constraints) remembered_.forget_keys_to_partitioned();
    constraints_ = heard().constraints;
    std::vector<std::uint32_t> rules(changed.rules.items, changed.rules.items + changed.rules.count);
    for (int i = 0; i < changed.relations.count; ++i) {
        const Oid relation = changed.relations.items[i];
        const RowOfClass row = pg::guarded([=] { return read_row_of_class(relation); });
        const auto kept = relations_.find(relation);
        if (kept != relations_.end() &&
            (kept->second.heard != heard_of_relations() || !is_same(*kept->second.relation, row)))
            relations_.erase(kept);
        remembered_.relation_changed(relation);
        const bool has_new_rule = std::erase(rules, row.rule) > 0;
        // temporary views are nobody's business
        if (remembered_.has_moved(relation, row.schema) || (has_new_rule && row.found && !row.temporary))
            remembered_.view_changed(relation);
    }
    if (!rules.empty()) remembered_.forget_views();
    taken.done();
}

template <typename Ask>
auto PgCatalog::ask_until_stable(Ask ask) {
    constexpr int most_attempts = 10;
    for (int attempt = 1;; ++attempt) {
        take_invalidations();
        const std::uint64_t before = heard().all;
        auto answer = ask();
        pg::guarded([] { AcceptInvalidationMessages(); });
        if (heard().all == before || attempt == most_attempts) return answer;
    }
}

// ---- relations

std::shared_ptr<const Relation> PgCatalog::relation(std::string_view schema, std::string_view name) {
    const Oid oid = relation_id(schema, name);
    take_invalidations();
    if (oid == 0) return nullptr;
    const auto known = relations_.find(oid);
    if (known != relations_.end()) return known->second.relation;
    return ask_until_stable([&] { return read_and_keep(oid); });
}

std::shared_ptr<const Relation> PgCatalog::read_and_keep(Oid oid) {
    KeptRelation kept;
    kept.heard = heard_of_relations();
    const std::uint64_t before = heard().all;
    std::shared_ptr<Relation> read = read_relation(oid);
    if (!read) return nullptr;
    if (!read->is_view())
        for (const AttributeNumber column : remembered_.keys(oid)->primary_key)
            read->primary_key.push_back(column_name(oid, column));
    for (const Column& column : read->columns) {
        if (column.type < FirstNormalObjectId) continue;
        kept.types.push_back(hash_of_type(column.type));
        kept.has_domains = kept.has_domains || is_domain(column.type);
    }
    kept.relation = read;
    // what changed meanwhile may have been seen in part
    if (heard().all != before) return read;
    if (kept_columns_ + read->columns.size() > most_columns) {
        relations_.clear();
        kept_columns_ = 0;
    }
    kept_columns_ += read->columns.size();
    relations_[oid] = std::move(kept);
    return read;
}

std::shared_ptr<const Relation> PgCatalog::with_key(const std::shared_ptr<const Relation>& relation) {
    if (!relation->is_view()) return relation;
    auto copy = std::make_shared<Relation>(*relation);
    copy->primary_key =
        ask_until_stable([&] { return RelationshipFinder(remembered_, exposed_, extra_).primary_key(relation->oid); });
    return copy;
}

std::shared_ptr<const Relation> PgCatalog::with_defaults(const std::shared_ptr<const Relation>& relation,
                                                         const std::vector<std::string>& columns) {
    auto copy = std::make_shared<Relation>(*relation);
    const auto defaults = read_defaults(relation->oid, columns);
    for (Column& column : copy->columns)
        if (const auto found = defaults.find(column.name); found != defaults.end())
            column.default_expression = found->second;
    return copy;
}

Updatability PgCatalog::updatability(const Relation& relation) {
    switch (relation.kind) {
        case RelationKind::Table:
        case RelationKind::PartitionedTable:
            return {true, true, true};
        case RelationKind::MaterializedView:
            return {};
        default:
            break;
    }
    const Oid oid = relation.oid;
    const int events = pg::guarded([=] {
        return DatumGetInt32(DirectFunctionCall2(pg_relation_is_updatable, ObjectIdGetDatum(oid), BoolGetDatum(true)));
    });
    return {(events & (1 << CMD_INSERT)) != 0, (events & (1 << CMD_UPDATE)) != 0, (events & (1 << CMD_DELETE)) != 0};
}

// ---- relationships

std::vector<Relationship> PgCatalog::relationships(std::string_view schema, std::string_view name, const Named& named) {
    if (!is_possible_name(named.target) || (named.hint && !is_possible_name(*named.hint))) return {};
    take_invalidations();
    const std::string key = key_of(schema, name, named);
    if (answers_heard_ != heard().all || answers_.size() >= most_answers) answers_.clear();
    if (const auto known = answers_.find(key); known != answers_.end()) return known->second;
    const std::uint64_t before = heard().all;
    auto found =
        ask_until_stable([&] { return RelationshipFinder(remembered_, exposed_, extra_).find(schema, name, named); });
    if (heard().all != before) return found;
    answers_heard_ = before;
    answers_[key] = found;
    return found;
}

std::vector<std::string> PgCatalog::relationship_targets(std::string_view schema, std::string_view name) {
    take_invalidations();
    return RelationshipFinder(remembered_, exposed_, extra_).targets(schema, name);
}

// ---- functions and names

std::vector<Function> PgCatalog::functions(std::string_view schema, std::string_view name) {
    return read_functions(std::string(schema), std::string(name));
}

std::vector<std::string> PgCatalog::relation_names(std::string_view schema) {
    return some_relation_names(schema);
}

std::vector<std::string> PgCatalog::function_names(std::string_view schema) {
    return some_function_names(schema);
}

}  // namespace pgrest::catalog

#include "catalog/pg_catalog.h"

#include "catalog/function_reader.h"
#include "catalog/invalidation.h"
#include "catalog/query.h"
#include "catalog/relation_reader.h"
#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
}

namespace pgrest::catalog {

namespace {

::Oid relation_id(const char* schema, const char* name) {
    const ::Oid schema_id = get_namespace_oid(schema, true);
    return OidIsValid(schema_id) ? get_relname_relid(name, schema_id) : InvalidOid;
}

// A relation that the graph does not know may be one that it has to know by now.
bool concerns_graph(::Oid relation) {
    switch (get_rel_relkind(relation)) {
        case RELKIND_RELATION:
        case RELKIND_PARTITIONED_TABLE:
        case RELKIND_VIEW:
        case RELKIND_MATVIEW:
        case RELKIND_FOREIGN_TABLE:
            // temporary tables of whatever session come and go
            return get_rel_persistence(relation) != RELPERSISTENCE_TEMP;
        default:
            return false;
    }
}

// A schema of the configuration as a literal; never a name of a request.
std::string literal(std::string_view text) {
    std::string out = "'";
    for (char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + "'";
}

std::vector<std::string> first_column(const std::string& sql) {
    std::vector<std::string> names;
    for (const Row& row : query_catalogs(sql.c_str()))
        if (row[0]) names.push_back(*row[0]);
    return names;
}

}  // namespace

PgCatalog::PgCatalog() {
    watch_invalidations();
}

PgCatalog& PgCatalog::of_process() {
    static PgCatalog catalog;
    return catalog;
}

void PgCatalog::use(const std::vector<std::string>& exposed, const std::vector<std::string>& extra) {
    if (exposed == exposed_ && extra == extra_) return;
    exposed_ = exposed;
    extra_ = extra;
    graph_.reset();
    relations_.clear();
}

void PgCatalog::take_invalidations() {
    if (!any_invalidations()) return;
    const Invalidations changed = catalog::take_invalidations();
    if (changed.everything || changed.representations) relations_.clear();
    bool graph_is_old = changed.everything || changed.graph;
    for (int i = 0; i < changed.count; ++i) {
        const Oid relation = changed.relations[i];
        relations_.erase(relation);
        if (!graph_ || graph_is_old) continue;
        graph_is_old = graph_->knows(relation) || pg::guarded([=] { return concerns_graph(relation); });
    }
    if (!graph_is_old) return;
    graph_.reset();
    relations_.clear();  // keys of views come from the graph
}

const Graph& PgCatalog::graph() {
    if (!graph_) graph_ = Graph::read(exposed_, extra_);
    return *graph_;
}

std::shared_ptr<const Relation> PgCatalog::relation(std::string_view schema, std::string_view name) {
    const auto schema_name = pg::name_to_server(schema);
    const auto relation_name = pg::name_to_server(name);
    if (!schema_name || !relation_name) return nullptr;
    const char* const schema_text = schema_name->c_str();
    const char* const name_text = relation_name->c_str();
    const Oid oid = pg::guarded([=] { return relation_id(schema_text, name_text); });
    take_invalidations();
    if (oid == 0) return nullptr;
    const auto known = relations_.find(oid);
    if (known != relations_.end()) return known->second;
    std::shared_ptr<Relation> read = read_relation(oid);
    if (!read) return nullptr;
    read->primary_key = graph().primary_key(oid);
    relations_[oid] = read;
    return read;
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

std::vector<Relationship> PgCatalog::relationships(std::string_view schema, std::string_view name) {
    take_invalidations();
    return graph().relationships(schema, name);
}

std::vector<Function> PgCatalog::functions(std::string_view schema, std::string_view name) {
    return read_functions(std::string(schema), std::string(name));
}

std::vector<std::string> PgCatalog::relation_names(std::string_view schema) {
    return first_column(
        "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition AND n.nspname = " +
        literal(schema));
}

std::vector<std::string> PgCatalog::function_names(std::string_view schema) {
    return first_column(
        "SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc p"
        " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
        " WHERE p.prokind = 'f' AND p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype AND n.nspname = " +
        literal(schema));
}

}  // namespace pgrest::catalog

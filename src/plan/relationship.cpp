#include "plan/relationship.h"

#include <algorithm>
#include <set>

#include "api/parse.h"
#include "http/error.h"
#include "json/json.h"

namespace pgrest::plan {

namespace {

using catalog::Cardinality;
using catalog::Relationship;

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
bool matches_self(const Relationship& entry, const api::SelectEmbed& embed) {
    if (entry.cardinality == Cardinality::OneToMany) {
        if (embed.target != entry.target_name) return false;
        return !embed.hint || equals(single_target_column(entry), *embed.hint);
    }
    return entry.cardinality == Cardinality::ManyToOne && !embed.hint &&
           equals(single_origin_column(entry), embed.target);
}

bool matches_without_hint(const Relationship& entry, const std::string& target) {
    if (entry.target_name == target) return true;
    if (entry.target_is_view || entry.cardinality == Cardinality::ManyToMany) return false;
    return entry.constraint == target || equals(single_origin_column(entry), target);
}

bool matches_hint(const Relationship& entry, const std::string& hint) {
    if (entry.cardinality == Cardinality::ManyToMany) return entry.junction && entry.junction->name == hint;
    return entry.constraint == hint || equals(single_origin_column(entry), hint) ||
           equals(single_target_column(entry), hint);
}

bool matches(const Relationship& entry, const api::SelectEmbed& embed) {
    if (entry.computed) return entry.computed->function_name == embed.target;
    if (entry.self) return matches_self(entry, embed);
    if (!embed.hint) return matches_without_hint(entry, embed.target);
    return entry.target_name == embed.target && matches_hint(entry, *embed.hint);
}

const char* cardinality_name(Cardinality cardinality) {
    switch (cardinality) {
        case Cardinality::OneToMany:
            return "one-to-many";
        case Cardinality::ManyToOne:
            return "many-to-one";
        case Cardinality::OneToOne:
            return "one-to-one";
        case Cardinality::ManyToMany:
            return "many-to-many";
    }
    return "";
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string column_list(const Pairs& pairs, bool second) {
    std::string text = "(";
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (i) text += ", ";
        text += second ? pairs[i].second : pairs[i].first;
    }
    return text + ")";
}

std::string describe(const Relationship& entry) {
    if (entry.junction) {
        const catalog::Junction& junction = *entry.junction;
        return junction.name + " using " + junction.origin_constraint + column_list(junction.origin_columns, true) +
               " and " + junction.target_constraint + column_list(junction.target_columns, true);
    }
    return entry.constraint + " using " + entry.origin_name + column_list(entry.columns, false) + " and " +
           entry.target_name + column_list(entry.columns, true);
}

std::string sort_key(const Relationship& entry) {
    return entry.target_name + '\0' + static_cast<char>('0' + static_cast<int>(entry.cardinality)) + '\0' +
           (entry.junction ? entry.junction->name : entry.constraint);
}

std::string spelling(const Relationship& entry) {
    return entry.target_name + "!" + (entry.junction ? entry.junction->name : entry.constraint);
}

[[noreturn]] void fail_ambiguous(const std::string& origin, const api::SelectEmbed& embed,
                                 std::vector<Relationship> found) {
    std::sort(found.begin(), found.end(),
              [](const Relationship& a, const Relationship& b) { return sort_key(a) < sort_key(b); });
    std::string details = "[";
    std::string hint;
    for (const Relationship& entry : found) {
        if (details.size() > 1) details += ',';
        if (entry.computed) {
            details += "{}";
            continue;
        }
        details += "{\"cardinality\":";
        json::append_string(details, cardinality_name(entry.cardinality));
        details += ",\"embedding\":";
        json::append_string(details, entry.origin_name + " with " + entry.target_name);
        details += ",\"relationship\":";
        json::append_string(details, describe(entry));
        details += '}';
        hint += (hint.empty() ? "" : ", ") + ("'" + spelling(entry) + "'");
    }
    http::Error error =
        http::own_error("PGRST201", "Several relationships connect '" + origin + "' and '" + embed.target + "'", {},
                        "Name the one that is meant in place of '" + embed.target + "': " + hint);
    error.details_json = details + "]";
    throw http::Failure(std::move(error));
}

std::optional<std::string> hint_for_missing(catalog::Catalog& catalog, const std::string& schema,
                                            const std::string& origin, const std::string& target,
                                            const std::vector<Relationship>& entries) {
    if (entries.empty()) {
        auto similar = api::most_similar(origin, catalog.relation_names(schema), 0.75);
        if (!similar || *similar == origin) return {};
        return "Perhaps you meant '" + *similar + "' instead of '" + origin + "'.";
    }
    std::set<std::string> targets;
    for (const Relationship& entry : entries)
        targets.insert(entry.computed ? entry.computed->function_name : entry.target_name);
    if (targets.count(target)) return {};
    auto similar = api::most_similar(target, {targets.begin(), targets.end()}, 0.75);
    if (!similar) return {};
    return "Perhaps you meant '" + *similar + "' instead of '" + target + "'.";
}

[[noreturn]] void fail_missing(catalog::Catalog& catalog, const std::string& schema, const std::string& origin,
                               const api::SelectEmbed& embed, const std::vector<Relationship>& entries) {
    std::string details =
        "Looked for a foreign key or a computed relationship between '" + origin + "' and '" + embed.target + "'";
    if (embed.hint) details += " with the hint '" + *embed.hint + "'";
    details += " in the schema '" + schema + "', but found none.";
    http::fail("PGRST200", "There is no relationship between '" + origin + "' and '" + embed.target + "'", details,
               hint_for_missing(catalog, schema, origin, embed.target, entries));
}

}  // namespace

Relationship find_relationship(catalog::Catalog& catalog, const std::string& schema, const std::string& origin,
                               const api::SelectEmbed& embed) {
    const std::vector<Relationship> entries = catalog.relationships(schema, origin);
    std::vector<Relationship> found;
    for (const Relationship& entry : entries)
        if (matches(entry, embed)) found.push_back(entry);
    if (found.empty()) fail_missing(catalog, schema, origin, embed, entries);
    if (found.size() > 1) fail_ambiguous(origin, embed, std::move(found));
    return std::move(found.front());
}

}  // namespace pgrest::plan

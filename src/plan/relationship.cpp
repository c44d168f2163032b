#include "plan/relationship.h"

#include <algorithm>

#include "api/parse.h"
#include "http/error.h"
#include "json/json.h"

namespace pgrest::plan {

namespace {

using catalog::Cardinality;
using catalog::Relationship;

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

// Ways to write it, the plainest first.
std::vector<catalog::Named> spellings(const Relationship& entry) {
    std::vector<catalog::Named> found;
    const auto add = [&](const std::string& target, const std::optional<std::string>& hint) {
        found.push_back({target, hint});
    };
    if (entry.junction) {
        add(entry.target_name, entry.junction->name);
        return found;
    }
    add(entry.target_name, entry.constraint);
    if (entry.columns.size() == 1) {
        add(entry.target_name, entry.columns.front().first);
        add(entry.target_name, entry.columns.front().second);
        add(entry.columns.front().first, {});
    }
    return found;
}

bool is_same(const Relationship& a, const Relationship& b) {
    return a.constraint == b.constraint && a.cardinality == b.cardinality && a.target_name == b.target_name &&
           a.columns == b.columns && a.junction.has_value() == b.junction.has_value() &&
           (!a.junction ||
            (a.junction->name == b.junction->name && a.junction->origin_columns == b.junction->origin_columns &&
             a.junction->target_columns == b.junction->target_columns));
}

std::string written(const catalog::Named& named) {
    return named.hint ? named.target + "!" + *named.hint : named.target;
}

// A way to write it that means nothing else.
std::optional<std::string> spelling(catalog::Catalog& catalog, const std::string& schema, const std::string& origin,
                                    const Relationship& entry) {
    for (const catalog::Named& named : spellings(entry)) {
        const auto meant = catalog.relationships(schema, origin, named);
        if (meant.size() == 1 && is_same(meant.front(), entry)) return written(named);
    }
    return {};
}

std::string hint_for_ambiguous(const std::string& target, const std::string& spellings) {
    if (spellings.empty())
        return "No name tells them apart; a computed relationship (a function that returns the rows) does.";
    return "Name the one that is meant in place of '" + target + "': " + spellings;
}

[[noreturn]] void fail_ambiguous(catalog::Catalog& catalog, const std::string& schema, const std::string& origin,
                                 const catalog::Named& named, std::vector<Relationship> found) {
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
        if (auto way = spelling(catalog, schema, origin, entry)) hint += (hint.empty() ? "'" : ", '") + *way + "'";
    }
    const bool more = found.size() >= catalog::Catalog::kMostRelationships;
    http::Error error =
        http::own_error("PGRST201",
                        (more ? "Very many relationships connect '" : "Several relationships connect '") + origin +
                            "' and '" + named.target + "'",
                        {}, hint_for_ambiguous(named.target, hint));
    error.details_json = details + "]";
    throw http::Failure(std::move(error));
}

std::optional<std::string> instead(const std::optional<std::string>& similar, const std::string& name) {
    if (!similar || *similar == name) return {};
    return "Perhaps you meant '" + *similar + "' instead of '" + name + "'.";
}

// Not all of the targets need to have a relationship; the one that is proposed has.
std::optional<std::string> similar_target(catalog::Catalog& catalog, const std::string& schema,
                                          const std::string& origin, const std::string& target,
                                          std::vector<std::string> targets) {
    constexpr int most_attempts = 5;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        auto similar = api::most_similar(target, targets, 0.75);
        if (!similar || !catalog.relationships(schema, origin, {*similar, {}}).empty()) return similar;
        std::erase(targets, *similar);
    }
    return {};
}

std::optional<std::string> hint_for_missing(catalog::Catalog& catalog, const std::string& schema,
                                            const std::string& origin, const catalog::Named& named) {
    // the hint is to blame
    if (named.hint && !catalog.relationships(schema, origin, {named.target, {}}).empty()) return {};
    std::vector<std::string> targets = catalog.relationship_targets(schema, origin);
    if (targets.empty()) return instead(api::most_similar(origin, catalog.relation_names(schema), 0.75), origin);
    std::erase(targets, named.target);
    return instead(similar_target(catalog, schema, origin, named.target, std::move(targets)), named.target);
}

[[noreturn]] void fail_missing(catalog::Catalog& catalog, const std::string& schema, const std::string& origin,
                               const catalog::Named& named) {
    std::string details =
        "Looked for a foreign key or a computed relationship between '" + origin + "' and '" + named.target + "'";
    if (named.hint) details += " with the hint '" + *named.hint + "'";
    details += " in the schema '" + schema + "', but found none.";
    http::fail("PGRST200", "There is no relationship between '" + origin + "' and '" + named.target + "'", details,
               hint_for_missing(catalog, schema, origin, named));
}

}  // namespace

Relationship find_relationship(catalog::Catalog& catalog, const std::string& schema, const std::string& origin,
                               const api::SelectEmbed& embed) {
    const catalog::Named named{embed.target, embed.hint};
    std::vector<Relationship> found = catalog.relationships(schema, origin, named);
    if (found.empty()) fail_missing(catalog, schema, origin, named);
    if (found.size() > 1) fail_ambiguous(catalog, schema, origin, named, std::move(found));
    return std::move(found.front());
}

}  // namespace pgrest::plan

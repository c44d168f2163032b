// Syntax trees written back in the grammar that they were parsed from: every name quoted, nothing left out. What is
// written must parse to the same tree.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/syntax.h"

namespace pgrest::fuzz {

inline std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

template <typename T, typename F>
std::string joined(const std::vector<T>& items, F print_one) {
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i)
        out += (i ? "," : "") + print_one(items[i]);
    return out;
}

inline std::string print(const api::Field& field) {
    std::string out = in_quotes(field.name);
    for (const api::JsonStep& step : field.path) {
        out += step.as_text ? "->>" : "->";
        out += step.is_index ? step.key : in_quotes(step.key);
    }
    return out;
}

// ---- select

inline const char* word(api::Aggregate aggregate) {
    switch (aggregate) {
        case api::Aggregate::Sum:
            return "sum()";
        case api::Aggregate::Avg:
            return "avg()";
        case api::Aggregate::Count:
            return "count()";
        case api::Aggregate::Max:
            return "max()";
        case api::Aggregate::Min:
            return "min()";
    }
    return "";
}

inline std::string print(const api::SelectColumn& column) {
    if (column.star) return "*";
    std::string out = column.alias ? in_quotes(*column.alias) + ":" : "";
    // only count() has no column; a column may be called ""
    const bool bare_count = column.aggregate == api::Aggregate::Count && column.field.name.empty() &&
                            column.field.path.empty() && !column.cast;
    if (bare_count) {
        out += "count()";
    } else {
        out += print(column.field);
        if (column.cast) out += "::" + *column.cast;
        if (column.aggregate) out += std::string(".") + word(*column.aggregate);
    }
    if (column.aggregate_cast) out += "::" + *column.aggregate_cast;
    return out;
}

inline std::string print(const std::vector<api::SelectItem>& items);

inline std::string print(const api::SelectEmbed& embed) {
    std::string out = embed.spread ? "..." : "";
    if (embed.alias) out += in_quotes(*embed.alias) + ":";
    out += in_quotes(embed.target);
    if (embed.hint) out += "!" + in_quotes(*embed.hint);
    if (embed.join == api::Join::Inner) out += "!inner";
    return out + "(" + print(embed.items) + ")";
}

inline std::string print(const std::vector<api::SelectItem>& items) {
    return joined(items, [](const api::SelectItem& item) {
        return std::visit([](const auto& one) { return print(one); }, item.value);
    });
}

// ---- order

inline std::string print(const std::vector<api::OrderTerm>& terms) {
    return joined(terms, [](const api::OrderTerm& term) {
        std::string out = term.relation ? in_quotes(*term.relation) + "(" + print(term.field) + ")" : print(term.field);
        if (term.direction) out += *term.direction == api::Direction::Asc ? ".asc" : ".desc";
        if (term.nulls) out += *term.nulls == api::Nulls::First ? ".nullsfirst" : ".nullslast";
        return out;
    });
}

// ---- filters

inline const char* word(api::Operator op) {
    constexpr const char* kWords[] = {"eq",     "neq", "gt", "gte",        "lt",  "lte",   "like",  "ilike", "match",
                                      "imatch", "in",  "is", "isdistinct", "fts", "plfts", "phfts", "wfts",  "cs",
                                      "cd",     "ov",  "sl", "sr",         "nxr", "nxl",   "adj"};
    return kWords[static_cast<int>(op)];
}

inline const char* word(api::IsWord is) {
    constexpr const char* kWords[] = {"null", "not_null", "true", "false", "unknown"};
    return kWords[static_cast<int>(is)];
}

// value: as it stands behind the last dot.
inline std::string print(const api::Operation& operation, const std::string& value) {
    std::string out = operation.negated ? "not." : "";
    out += word(operation.op);
    if (operation.quantifier == api::Quantifier::Any) out += "(any)";
    if (operation.quantifier == api::Quantifier::All) out += "(all)";
    if (operation.language) out += "(" + *operation.language + ")";
    out += ".";
    if (operation.op == api::Operator::Is) return out + word(operation.is);
    if (operation.op == api::Operator::In)
        return out + "(" + joined(operation.list, [](const std::string& one) { return in_quotes(one); }) + ")";
    return out + value;
}

inline std::string print(const api::Operation& operation) {
    return print(operation, operation.value);
}

inline std::string print(const api::LogicTree& tree) {
    return "(" +
           joined(tree.nodes,
                  [](const api::LogicNode& node) {
                      if (const auto* filter = std::get_if<api::Filter>(&node.value))
                          return print(filter->field) + "." +
                                 print(filter->operation, in_quotes(filter->operation.value));
                      const auto& inner = std::get<api::LogicTree>(node.value);
                      return std::string(inner.negated ? "not." : "") + (inner.any ? "or" : "and") + print(inner);
                  }) +
           ")";
}

}  // namespace pgrest::fuzz

// The syntax tree of a request's URL and headers: what the client wrote, with nothing resolved.
// Pure C++. The grammar is in docs/api.md; parsing throws http::Failure (PGRST100, PGRST103).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pgrest::api {

// One step of a JSON path: ->key, ->>key, ->0, ->>-1.
struct JsonStep {
    bool as_text = false;   // ->>
    bool is_index = false;  // the key is a whole number and selects an array element
    std::string key;        // an index keeps its digits and sign: "-1", "2"
};

struct Field {
    std::string name;
    std::vector<JsonStep> path;
};

enum class Aggregate { Sum, Avg, Count, Max, Min };
enum class Join { Left, Inner };

struct SelectItem;

struct SelectColumn {
    bool star = false;
    std::optional<std::string> alias;
    Field field;                      // name is empty for count()
    std::optional<std::string> cast;  // type as written, characters checked: letters digits _ $ space
    std::optional<Aggregate> aggregate;
    std::optional<std::string> aggregate_cast;
};

struct SelectEmbed {
    bool spread = false;
    std::optional<std::string> alias;
    std::string target;
    std::optional<std::string> hint;
    Join join = Join::Left;
    std::vector<SelectItem> items;  // empty: target()
};

struct SelectItem {
    std::variant<SelectColumn, SelectEmbed> value;
};

enum class Operator {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Like,
    Ilike,
    Match,
    Imatch,
    In,
    Is,
    IsDistinct,
    Fts,
    Plfts,
    Phfts,
    Wfts,
    Cs,
    Cd,
    Ov,
    Sl,
    Sr,
    Nxr,
    Nxl,
    Adj,
};
enum class Quantifier { None, Any, All };
enum class IsWord { Null, NotNull, True, False, Unknown };

struct Operation {
    bool negated = false;
    Operator op = Operator::Eq;
    Quantifier quantifier = Quantifier::None;
    std::optional<std::string> language;  // full-text search
    std::string value;                    // as the client meant it; for like and ilike `*` is already `%`
    std::vector<std::string> list;        // in; empty = the empty set
    IsWord is = IsWord::Null;
};

struct Filter {
    Field field;
    Operation operation;
};

struct LogicNode;

struct LogicTree {
    bool negated = false;
    bool any = false;  // true: OR, false: AND
    std::vector<LogicNode> nodes;
};

struct LogicNode {
    std::variant<Filter, LogicTree> value;
};

enum class Direction { Asc, Desc };
enum class Nulls { First, Last };

struct OrderTerm {
    std::optional<std::string> relation;  // related order: relation(column)
    Field field;
    std::optional<Direction> direction;
    std::optional<Nulls> nulls;
};

// Names of nested embeds, outermost first; empty: the root.
using EmbedPath = std::vector<std::string>;

template <typename T>
struct At {
    EmbedPath path;
    T value;
};

// limit and offset as written, a whole number each ("-2", "99999999999999999999"); absent when unusable.
struct LimitOffset {
    std::optional<std::string> limit;
    std::optional<std::string> offset;
    bool limit_given = false;  // given at all, perhaps unusable
};

// The root's window after limit, offset and Range are combined (read.md section 10), before db-max-rows.
// Out-of-bounds windows have been refused with PGRST103. Values beyond 64 bits are kept as text, because
// PostgreSQL is to refuse them (22003).
struct Window {
    std::int64_t offset = 0;
    std::optional<std::int64_t> limit;
    std::optional<std::string> huge_offset;
    std::optional<std::string> huge_limit;
};

// The query string. What may be repeated has been settled (first or last counts).
struct Query {
    std::vector<SelectItem> select;  // without select=, or empty: one star
    bool select_given = false;       // a select parameter other than exactly `*` stands in the query
    bool select_empty = false;       // select= with nothing in it
    std::vector<At<Filter>> filters;
    std::vector<At<LogicTree>> trees;
    std::vector<At<std::vector<OrderTerm>>> orders;
    LimitOffset root_range;
    std::vector<At<LimitOffset>> embed_ranges;
    std::optional<std::vector<std::string>> columns;
    std::optional<std::vector<std::string>> on_conflict;
    std::vector<std::pair<std::string, std::string>> arguments;  // of a function called by GET; repeated ones kept
    std::string canonical;  // for Content-Location; "" when the query string is empty
};

enum class CountPreference { Exact, Planned, Estimated };
enum class ReturnPreference { Representation, Minimal, HeadersOnly };
enum class Resolution { MergeDuplicates, IgnoreDuplicates };
enum class Missing { Default, Null };
enum class TxPreference { Commit, Rollback };
enum class Handling { Strict, Lenient };

// Prefer (RFC 7240), first of each group.
struct Preferences {
    std::optional<Resolution> resolution;
    std::optional<Missing> missing;
    std::optional<ReturnPreference> representation;  // return=
    std::optional<CountPreference> count;
    std::optional<TxPreference> tx;
    std::optional<Handling> handling;
    std::optional<std::string> timezone;
    std::optional<std::int64_t> max_affected;  // only when it is a number
    std::vector<std::string> unknown;          // in the order sent
};

enum class MediaKind {
    Any,             // */*
    Json,            // application/json, application/vnd.pgrst.array[+json]
    StrippedArray,   // application/vnd.pgrst.array+json;nulls=stripped
    Object,          // application/vnd.pgrst.object[+json]
    StrippedObject,  // ... ;nulls=stripped
    Csv,
    GeoJson,
    OpenApi,  // application/openapi+json
    Plan,     // application/vnd.pgrst.plan[+text|+json]
    Text,     // text/plain
    Xml,      // text/xml
    Binary,   // application/octet-stream
    UrlEncoded,
    Other,
};

struct MediaType {
    MediaKind kind = MediaKind::Any;
    std::string name;  // type/subtype in lower case; Other: the whole text in lower case as sent
    // Plan only:
    bool plan_json = false;
    std::vector<std::string> plan_options;  // of analyze verbose settings buffers wal, in that order
    std::string plan_for;                   // media type text of for="..."; "" = application/json
};

enum class ResourceKind { Root, Relation, Function };

struct Resource {
    ResourceKind kind = ResourceKind::Root;
    std::string name;  // percent-decoded
};

}  // namespace pgrest::api

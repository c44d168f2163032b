// The entry points of the parsers in this folder. Pure C++; nothing here knows the database.
// Every function throws http::Failure on input that the grammar refuses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/syntax.h"
#include "http/message.h"

namespace pgrest::api {

// What the pairs of a query string that are no reserved words mean: filters (tables; a value that is no operation
// is PGRST100), or filters and call arguments (GET and HEAD of functions, rpc.md section 3.1).
enum class PairMeaning { Filters, FiltersAndArguments };

// The path as sent. Throws PGRST125.
Resource parse_path(std::string_view path);

// The query string as sent (percent-encoded). Throws PGRST100. Limits on nesting and counts guard against
// hostile input and fail with PGRST100 too.
Query parse_query(std::string_view query, PairMeaning meaning);

// The single grammars, for tests and fuzzing; text is percent-decoded.
std::vector<SelectItem> parse_select(std::string_view text);
std::vector<OrderTerm> parse_order(std::string_view text);
LogicTree parse_logic_tree(std::string_view text, bool negated, bool any);
// Nothing when the text is no operation at all; throws when it begins as one and goes wrong.
std::optional<Operation> parse_operation(std::string_view text);
std::vector<std::string> parse_name_list(std::string_view text);  // columns=, on_conflict=

// Combines limit, offset and (when use_range_header) the Range header. Throws PGRST103 (416).
Window root_window(const LimitOffset& given, const http::Headers& headers, bool use_range_header);

Preferences parse_preferences(const http::Headers& headers);

// The Accept header's types in the order in which they are to be tried; absent: */*. First header field only.
std::vector<MediaType> parse_accept(const http::Headers& headers);

// The Content-Type of a body, without parameters; absent: Json. Unusable or empty text: Other.
MediaType parse_content_type(const http::Headers& headers);

std::string percent_decode(std::string_view text, bool plus_is_space);
// Everything but letters, digits and - . _ ~ becomes %XX.
std::string percent_encode(std::string_view text);

// What the server learns of a body without converting any value or copying the body, which must outlive it: names, and
// that it is well-formed. Its rows are read by api/body_rows.h.
struct Payload {
    enum class Form { Object, Array, None } form = Form::None;
    enum class Source { None, Json, Csv, Form } source = Source::None;
    // The column list: keys of the object, common keys of all objects; sorted, unique, at most kMostKeys.
    std::vector<std::string> keys;
    std::vector<std::string> names_without_rows;              // of a CSV header that no line follows
    std::string_view body;                                    // without a byte-order mark, and what else does not count
    std::string made;                                         // a short document in place of the body; "" = none
    std::vector<std::pair<std::string, std::string>> fields;  // of a form, in the order sent
    std::size_t rows = 0;     // elements of the array, 1 for an object; 0 unknown when columns= was given
    bool raw = false;         // functions: text/plain, text/xml, application/octet-stream: the body itself
    bool empty_body = false;  // zero length

    // Functions: the object of the body that brings the arguments; empty when only PostgreSQL can find it.
    std::string_view arguments;

    // The JSON text for PostgreSQL. Of CSV and forms only what a function needs: of CSV the first line.
    std::string_view document() const { return made.empty() ? body : std::string_view(made); }
};

// Reads a body by its Content-Type. Throws PGRST102.
// for_function: rpc.md 3.2/3.3 (raw types allowed, an empty JSON body is {}, arrays use their first element);
// otherwise write.md section 2. columns: from columns=, then JSON is not inspected.
// Scalars become an empty array. Form bodies: values are strings; repeated keys: the last wins, but all are kept in
// `fields` (variadic parameters).
Payload parse_payload(const http::Headers& headers, std::string_view body,
                      const std::optional<std::vector<std::string>>& columns, bool for_function);

// Similarity for hints: 0 (nothing in common) to 1 (same): the share of characters that need no edit (Levenshtein).
double similarity(std::string_view a, std::string_view b);
// The most similar candidate of at least that similarity.
std::optional<std::string> most_similar(std::string_view wanted, const std::vector<std::string>& candidates,
                                        double at_least);

}  // namespace pgrest::api

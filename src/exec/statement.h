// One SQL statement with its values, run through SPI, its rows written as they come.
// Saved plans, parameters that PostgreSQL's parser types, and the DestReceiver live behind this.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exec/body.h"
#include "exec/body_table.h"

namespace pgrest::exec {

// Values stand for $1, $2, ... in this order; nothing is SQL NULL. Sent untyped: the type is what PostgreSQL's parser
// infers, as for a quoted literal. SQL and values are UTF-8, and are converted here; values are verified too.
// A view: the text must outlive the call.
struct Statement {
    std::string sql;
    std::vector<std::optional<std::string_view>> values;
    // Values that are bound as bytea with exactly these bytes (unnamed bytea parameter): index into values.
    std::optional<std::size_t> binary_value;
    // The rows of the body as a table of the statement; without columns there is none.
    const BodyTable* table = nullptr;
    // Called when the values and the table have been read.
    std::function<void()> values_are_read;
    // Values that are array literals of quoted elements with commas between: indexes into values, ascending.
    std::vector<std::size_t> lists;
};

enum class RowForm {
    None,        // rows are only counted
    JsonArray,   // [{...},\n {...}]   (brackets included)
    JsonObject,  // the first row as an object; nothing written when there is none
    JsonValue,   // the first row's first visible column as a JSON value; `null` when there is no row
    JsonValues,  // array of the first visible column's values
    Csv,         // header line and rows; a lone line feed when there is no row
    Raw,         // first row's first visible column: text, or the bytes of a bytea
    Fields,      // the first row's visible columns as JSON texts, into Outcome::fields
    Lines,       // the first visible column of every row as text, each followed by a line feed (EXPLAIN)
};

struct RowFormat {
    RowForm form = RowForm::JsonArray;
    bool strip_nulls = false;
    // The statement's first `hidden` columns are not part of the rows; the first row's values of them come back as text
    // in Outcome::hidden (nothing = NULL).
    int hidden = 0;
    // The last hidden column is a marker: NULL means that the row is no row (an empty page beside a total).
    bool marker = false;
    // Column names for the CSV header when they differ from the statement's.
    std::vector<std::string> csv_header;
    // A window cut out of the rows while all of them are counted (Outcome::total).
    std::int64_t skip = 0;
    std::optional<std::int64_t> take;
};

struct Outcome {
    std::int64_t rows = 0;   // rows written
    std::int64_t total = 0;  // rows seen, window or not
    std::vector<std::optional<std::string>> hidden;
    std::vector<std::optional<std::string>> fields;  // RowForm::Fields
    // As they were after the last row, before AFTER triggers ran; nothing when the statement has no rows (EXPLAIN).
    std::optional<std::string> response_status;
    std::optional<std::string> response_headers;
};

struct RunOptions {
    bool read_only = true;        // use the active snapshot and refuse anything but reads (SPI's read_only)
    bool depends_on_role = true;  // role is part of the plan's key
    std::uint32_t called = 0;     // function that the statement is about; what the role may not call reads no value
    // heard_changes() before what the text names was looked up: run() throws ChangedMeanwhile, before anything is done,
    // when there were others since and the transaction has written nothing. Nothing: whatever the names mean now.
    std::optional<std::uint64_t> unchanged_since;
};

// Between the look-ups and the locks of the statement something changed: the names of its text may stand for other
// things than those that were looked up. Tables can have swapped theirs.
struct ChangedMeanwhile : std::exception {
    const char* what() const noexcept override { return "what the request names has changed meanwhile"; }
};

// Runs the statement in the current transaction, under the current role. Throws pg::Error; the caller then ends the
// transaction. May stream (Body) while rows come.
Outcome run(const Statement& statement, const RowFormat& format, const RunOptions& options, Body& body);

// Runs SQL without values or result that is not worth a saved plan (EXPLAIN's text comes back through `lines`).
void run_utility(const std::string& sql);

}  // namespace pgrest::exec

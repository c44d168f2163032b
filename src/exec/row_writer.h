// Rows of one result as JSON or CSV text: a writer for each column, chosen once per result. Equal in value to what
// PostgreSQL's to_json() (json.c, datum_to_json) and record_out() (rowtypes.c) give.
// Plain C in its use of memory: everything is palloc'd, every function may ereport.
#pragma once

#include "pg/postgres.h"

extern "C" {
#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
}

namespace pgrest::exec {

enum class ValueKind : char {
    Bool,
    Int2,
    Int4,
    Int8,
    Number,    // output function; quoted when it is no JSON number (NaN, Infinity)
    DateTime,  // ISO 8601
    Text,      // varlena text, escaped in place
    Json,      // as it stands
    Jsonb,
    ToJson,  // arrays, composites, types with a cast to json
    Quoted,  // output function, escaped
};

struct ColumnWriter {
    ValueKind kind;
    Oid base_type;
    FmgrInfo output;   // output function of the declared type
    FmgrInfo to_json;  // ToJson only
    const char* key;   // "name": with quotes and colon
    int key_length;
    const char* name;  // as it stands, for the CSV header
};

struct RowWriter {
    int columns;  // visible columns
    int first;    // attributes before it are hidden
    ColumnWriter* writers;
};

// Allocates in the current memory context.
RowWriter* make_row_writer(TupleDesc description, int hidden);

// {"a":1,"b":null}
void write_row_object(StringInfo out, RowWriter* writer, TupleTableSlot* slot);
// The JSON value of one visible column.
void write_value(StringInfo out, RowWriter* writer, TupleTableSlot* slot, int column);
// Fields joined by commas, quoted as in a composite value's text form.
void write_row_csv(StringInfo out, RowWriter* writer, TupleTableSlot* slot);
void write_csv_header(StringInfo out, RowWriter* writer);
// A header of other names than the writer's.
void write_csv_names(StringInfo out, const char* const* names, int count);
// The column's text form; nullptr for NULL. Of a bytea `size` bytes as they are.
const char* plain_value(RowWriter* writer, TupleTableSlot* slot, int column, std::size_t& size);

// A JSON string (RFC 8259 section 7) of `size` bytes.
void write_json_string(StringInfo out, const char* text, std::size_t size);

}  // namespace pgrest::exec

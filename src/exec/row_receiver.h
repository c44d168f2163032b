// A DestReceiver that writes each row into a Body as it comes (PostgreSQL: src/include/tcop/dest.h).
// Lives in a memory context of its own; holds no C++ object.
#pragma once

#include "exec/body.h"
#include "exec/row_writer.h"
#include "exec/statement.h"
#include "pg/postgres.h"

extern "C" {
#include "tcop/dest.h"
}

namespace pgrest::exec {

struct RowReceiver {
    DestReceiver pub;  // must be first: PostgreSQL knows only this

    Body* body;
    RowForm form;
    bool strip_nulls;
    bool marker;
    int hidden;
    int64 skip;
    int64 take;                    // -1: all
    const char* const* csv_names;  // of the header, in place of the statement's own
    int csv_names_count;           // 0: the statement's

    RowWriter* writer;
    MemoryContext context;      // of the receiver
    MemoryContext row_context;  // reset for each row
    StringInfoData row;

    int64 seen;
    int64 written;
    int values_count;     // hidden values, or fields
    const char** values;  // of the first row; nullptr = NULL
    bool has_values;
    // response.status and response.headers after the last row, before AFTER triggers; nullptr: there was no end of rows
    const char* response_status;
    const char* response_headers;
};

// Allocates in the current memory context. csv_names: those of the format, which must outlive the receiver.
RowReceiver* make_row_receiver(Body* body, const RowFormat& format, const char* const* csv_names);

// What stands before and after the rows, once they have all come.
void finish_rows(RowReceiver* receiver);

}  // namespace pgrest::exec

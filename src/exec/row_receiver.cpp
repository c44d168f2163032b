#include "exec/row_receiver.h"

#include <cstring>

#include "exec/settings_guc.h"
#include "pg/text.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
}

namespace pgrest::exec {

namespace {

void flush_row(RowReceiver* receiver) {
    std::size_t size = receiver->row.len;
    const char* text = pg::text_to_client(receiver->row.data, size);
    receiver->body->append(text, size);
    resetStringInfo(&receiver->row);
}

void append_text(RowReceiver* receiver, const char* text) {
    receiver->body->append(text, std::strlen(text));
}

const char* keep(RowReceiver* receiver, const char* text, std::size_t size) {
    if (!text) return nullptr;
    const char* converted = pg::text_to_client(text, size);
    return static_cast<const char*>(std::memcpy(MemoryContextAllocZero(receiver->context, size + 1), converted, size));
}

const char* keep_setting(RowReceiver* receiver, const char* name) {
    const char* value = value_of_setting(name);
    return keep(receiver, value, std::strlen(value));
}

// Text of the hidden columns of the first row; they stand before the visible ones.
void keep_hidden(RowReceiver* receiver, TupleTableSlot* slot, TupleDesc description) {
    RowWriter* all = make_row_writer(description, 0);
    for (int i = 0; i < receiver->hidden; ++i) {
        std::size_t size = 0;
        const char* text = plain_value(all, slot, i, size);
        receiver->values[i] = keep(receiver, text, size);
    }
    receiver->has_values = true;
}

void keep_fields(RowReceiver* receiver, TupleTableSlot* slot) {
    for (int i = 0; i < receiver->writer->columns; ++i) {
        if (slot->tts_isnull[receiver->writer->first + i]) continue;
        resetStringInfo(&receiver->row);
        write_value(&receiver->row, receiver->writer, slot, i);
        receiver->values[i] = keep(receiver, receiver->row.data, receiver->row.len);
    }
    resetStringInfo(&receiver->row);
    receiver->has_values = true;
}

void write_object(RowReceiver* receiver, TupleTableSlot* slot) {
    write_row_object(&receiver->row, receiver->writer, slot);
    if (!receiver->strip_nulls) return;
    Datum const stripped = DirectFunctionCall1(
        json_strip_nulls, PointerGetDatum(cstring_to_text_with_len(receiver->row.data, receiver->row.len)));
    resetStringInfo(&receiver->row);
    struct varlena* text = PG_DETOAST_DATUM_PACKED(stripped);
    appendBinaryStringInfo(&receiver->row, VARDATA_ANY(text), static_cast<int>(VARSIZE_ANY_EXHDR(text)));
}

void write_csv_row(RowReceiver* receiver, TupleTableSlot* slot) {
    if (receiver->written == 0) {
        if (receiver->csv_names_count > 0)
            write_csv_names(&receiver->row, receiver->csv_names, receiver->csv_names_count);
        else
            write_csv_header(&receiver->row, receiver->writer);
    }
    appendStringInfoChar(&receiver->row, '\n');
    write_row_csv(&receiver->row, receiver->writer, slot);
}

void write_plain(RowReceiver* receiver, TupleTableSlot* slot) {
    std::size_t size = 0;
    const char* text = plain_value(receiver->writer, slot, 0, size);
    if (!text) return;
    if (receiver->writer->writers[0].base_type == BYTEAOID && receiver->form == RowForm::Raw) {
        receiver->body->append(text, size);  // bytes of a bytea are not text
        return;
    }
    appendBinaryStringInfo(&receiver->row, text, static_cast<int>(size));
}

void write_row(RowReceiver* receiver, TupleTableSlot* slot) {
    const bool first = receiver->written == 0;
    StringInfo out = &receiver->row;
    switch (receiver->form) {
        case RowForm::None:
            return;
        case RowForm::JsonArray:
            appendStringInfoString(out, first ? "[" : ",\n ");
            if (receiver->strip_nulls) {
                flush_row(receiver);
            }
            write_object(receiver, slot);
            break;
        case RowForm::JsonValues:
            appendStringInfoString(out, first ? "[" : ",\n ");
            write_value(out, receiver->writer, slot, 0);
            break;
        case RowForm::JsonObject:
            if (first) write_object(receiver, slot);
            break;
        case RowForm::JsonValue:
            if (first) write_value(out, receiver->writer, slot, 0);
            break;
        case RowForm::Csv:
            write_csv_row(receiver, slot);
            break;
        case RowForm::Raw:
            if (first) write_plain(receiver, slot);
            break;
        case RowForm::Lines:
            write_plain(receiver, slot);
            appendStringInfoChar(out, '\n');
            break;
        case RowForm::Fields:
            if (first) keep_fields(receiver, slot);
            return;
    }
    flush_row(receiver);
}

bool is_marked_empty(RowReceiver* receiver, TupleTableSlot* slot) {
    return receiver->marker && receiver->hidden > 0 && slot->tts_isnull[receiver->hidden - 1];
}

bool receive(TupleTableSlot* slot, DestReceiver* self) {
    auto* receiver = reinterpret_cast<RowReceiver*>(self);
    slot_getallattrs(slot);
    MemoryContext const before = MemoryContextSwitchTo(receiver->row_context);
    if (receiver->hidden > 0 && !receiver->has_values) keep_hidden(receiver, slot, slot->tts_tupleDescriptor);
    if (!is_marked_empty(receiver, slot)) {
        const bool in_window =
            receiver->seen >= receiver->skip && (receiver->take < 0 || receiver->written < receiver->take);
        ++receiver->seen;
        if (in_window) {
            write_row(receiver, slot);
            ++receiver->written;
        }
    }
    MemoryContextSwitchTo(before);
    MemoryContextReset(receiver->row_context);
    return true;
}

void start_up(DestReceiver* self, int, TupleDesc description) {
    auto* receiver = reinterpret_cast<RowReceiver*>(self);
    MemoryContext const before = MemoryContextSwitchTo(receiver->context);
    receiver->writer = make_row_writer(description, receiver->hidden);
    receiver->values_count = receiver->form == RowForm::Fields ? receiver->writer->columns : receiver->hidden;
    receiver->values = static_cast<const char**>(palloc0(sizeof(char*) * (receiver->values_count + 1)));
    MemoryContextSwitchTo(before);
}

void shut_down(DestReceiver* self) {
    auto* receiver = reinterpret_cast<RowReceiver*>(self);
    receiver->response_status = keep_setting(receiver, "response.status");
    receiver->response_headers = keep_setting(receiver, "response.headers");
}
void destroy(DestReceiver*) {}

}  // namespace

RowReceiver* make_row_receiver(Body* body, const RowFormat& format, const char* const* csv_names) {
    auto* receiver = static_cast<RowReceiver*>(palloc0(sizeof(RowReceiver)));
    receiver->pub.receiveSlot = receive;
    receiver->pub.rStartup = start_up;
    receiver->pub.rShutdown = shut_down;
    receiver->pub.rDestroy = destroy;
    receiver->pub.mydest = DestNone;
    receiver->body = body;
    receiver->form = format.form;
    receiver->strip_nulls = format.strip_nulls;
    receiver->marker = format.marker;
    receiver->hidden = format.hidden;
    receiver->skip = format.skip;
    receiver->take = format.take.value_or(-1);
    receiver->csv_names = csv_names;
    receiver->csv_names_count = static_cast<int>(format.csv_header.size());
    receiver->context = CurrentMemoryContext;
    receiver->row_context = AllocSetContextCreate(CurrentMemoryContext, "pgrest row", ALLOCSET_DEFAULT_SIZES);
    initStringInfo(&receiver->row);
    return receiver;
}

void finish_rows(RowReceiver* receiver) {
    const bool none = receiver->written == 0;
    switch (receiver->form) {
        case RowForm::JsonArray:
        case RowForm::JsonValues:
            append_text(receiver, none ? "[]" : "]");
            return;
        case RowForm::JsonValue:
            if (none) append_text(receiver, "null");
            return;
        case RowForm::Csv:
            if (none) append_text(receiver, "\n");
            return;
        default:
            return;
    }
}

}  // namespace pgrest::exec

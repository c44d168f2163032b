#include "exec/row_writer.h"

#include <cstring>

extern "C" {
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
}

namespace pgrest::exec {

namespace {

// A type of the user's own with a cast to json that is a function (json.c, json_categorize_type).
bool has_json_cast(Oid type) {
    if (type < FirstNormalObjectId) return false;
    Oid function = InvalidOid;
    return find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &function) == COERCION_PATH_FUNC &&
           OidIsValid(function);
}

ValueKind kind_of(Oid base) {
    switch (base) {
        case BOOLOID:
            return ValueKind::Bool;
        case INT2OID:
            return ValueKind::Int2;
        case INT4OID:
            return ValueKind::Int4;
        case INT8OID:
            return ValueKind::Int8;
        case FLOAT4OID:
        case FLOAT8OID:
        case NUMERICOID:
            return ValueKind::Number;
        case DATEOID:
        case TIMESTAMPOID:
        case TIMESTAMPTZOID:
            return ValueKind::DateTime;
        case TEXTOID:
        case VARCHAROID:
        case BPCHAROID:
            return ValueKind::Text;
        case JSONOID:
            return ValueKind::Json;
        case JSONBOID:
            return ValueKind::Jsonb;
        default:
            break;
    }
    if (OidIsValid(get_element_type(base)) || base == ANYARRAYOID || base == RECORDARRAYOID) return ValueKind::ToJson;
    if (type_is_rowtype(base)) return ValueKind::ToJson;
    return has_json_cast(base) ? ValueKind::ToJson : ValueKind::Quoted;
}

// to_json() finds its argument's type in the calling expression.
void prepare_to_json(FmgrInfo* function, Oid type) {
    fmgr_info(F_TO_JSON, function);
    Node* argument = reinterpret_cast<Node*>(makeNullConst(type, -1, InvalidOid));
    Node* call = reinterpret_cast<Node*>(
        makeFuncExpr(F_TO_JSON, JSONOID, list_make1(argument), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
    fmgr_info_set_expr(call, function);
}

void prepare_column(ColumnWriter* writer, Form_pg_attribute attribute) {
    writer->base_type = getBaseType(attribute->atttypid);
    writer->kind = kind_of(writer->base_type);
    Oid output = InvalidOid;
    bool varlena = false;
    getTypeOutputInfo(attribute->atttypid, &output, &varlena);
    fmgr_info(output, &writer->output);
    if (writer->kind == ValueKind::ToJson) prepare_to_json(&writer->to_json, attribute->atttypid);
    StringInfoData key;
    initStringInfo(&key);
    write_json_string(&key, NameStr(attribute->attname), std::strlen(NameStr(attribute->attname)));
    appendStringInfoChar(&key, ':');
    writer->key = key.data;
    writer->key_length = key.len;
    writer->name = pstrdup(NameStr(attribute->attname));
}

void write_date_time(StringInfo out, Datum value, Oid type) {
    char buffer[MAXDATELEN + 1];
    JsonEncodeDateTime(buffer, value, type, nullptr);
    appendStringInfoChar(out, '"');
    appendStringInfoString(out, buffer);
    appendStringInfoChar(out, '"');
}

bool is_json_number(const char* text) {
    if (*text == '-') ++text;
    return *text >= '0' && *text <= '9';
}

void write_number(StringInfo out, const char* text) {
    if (is_json_number(text))
        appendStringInfoString(out, text);
    else
        write_json_string(out, text, std::strlen(text));
}

void write_integer(StringInfo out, int64 value) {
    char buffer[24];
    appendBinaryStringInfo(out, buffer, pg_lltoa(value, buffer));
}

void write_varlena_as_it_is(StringInfo out, Datum value) {
    struct varlena* text = PG_DETOAST_DATUM_PACKED(value);
    appendBinaryStringInfo(out, VARDATA_ANY(text), static_cast<int>(VARSIZE_ANY_EXHDR(text)));
}

void write_datum(StringInfo out, ColumnWriter* writer, Datum value) {
    switch (writer->kind) {
        case ValueKind::Bool:
            appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
            return;
        case ValueKind::Int2:
            write_integer(out, DatumGetInt16(value));
            return;
        case ValueKind::Int4:
            write_integer(out, DatumGetInt32(value));
            return;
        case ValueKind::Int8:
            write_integer(out, DatumGetInt64(value));
            return;
        case ValueKind::Number:
            write_number(out, OutputFunctionCall(&writer->output, value));
            return;
        case ValueKind::DateTime:
            write_date_time(out, value, writer->base_type);
            return;
        case ValueKind::Text: {
            struct varlena* text = PG_DETOAST_DATUM_PACKED(value);
            write_json_string(out, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
            return;
        }
        case ValueKind::Json:
            write_varlena_as_it_is(out, value);
            return;
        case ValueKind::Jsonb: {
            Jsonb* document = DatumGetJsonbP(value);
            JsonbToCString(out, &document->root, VARSIZE(document));
            return;
        }
        case ValueKind::ToJson:
            write_varlena_as_it_is(out, FunctionCall1(&writer->to_json, value));
            return;
        case ValueKind::Quoted: {
            const char* text = OutputFunctionCall(&writer->output, value);
            write_json_string(out, text, std::strlen(text));
            return;
        }
    }
}

bool needs_quotes(const char* text) {
    if (*text == '\0') return true;
    for (; *text; ++text) {
        const char c = *text;
        if (c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || isspace(static_cast<unsigned char>(c)))
            return true;
    }
    return false;
}

// Quotes are doubled and nothing else (RFC 4180): who reads CSV takes two backslashes for two.
void write_csv_quoted(StringInfo out, const char* text) {
    appendStringInfoChar(out, '"');
    for (; *text; ++text) {
        if (*text == '"') appendStringInfoChar(out, *text);
        appendStringInfoChar(out, *text);
    }
    appendStringInfoChar(out, '"');
}

void write_csv_field(StringInfo out, const char* text) {
    if (needs_quotes(text))
        write_csv_quoted(out, text);
    else
        appendStringInfoString(out, text);
}

void write_csv_name(StringInfo out, const char* name) {
    if (std::strpbrk(name, ",\"\n\r"))
        write_csv_quoted(out, name);
    else
        appendStringInfoString(out, name);
}

}  // namespace

void write_json_string(StringInfo out, const char* text, std::size_t size) {
    appendStringInfoCharMacro(out, '"');
    const char* const end = text + size;
    const char* plain = text;  // start of what needs no escape
    for (; text < end; ++text) {
        const auto c = static_cast<unsigned char>(*text);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        appendBinaryStringInfo(out, plain, static_cast<int>(text - plain));
        plain = text + 1;
        switch (c) {
            case '"':
                appendBinaryStringInfo(out, "\\\"", 2);
                break;
            case '\\':
                appendBinaryStringInfo(out, "\\\\", 2);
                break;
            case '\b':
                appendBinaryStringInfo(out, "\\b", 2);
                break;
            case '\f':
                appendBinaryStringInfo(out, "\\f", 2);
                break;
            case '\n':
                appendBinaryStringInfo(out, "\\n", 2);
                break;
            case '\r':
                appendBinaryStringInfo(out, "\\r", 2);
                break;
            case '\t':
                appendBinaryStringInfo(out, "\\t", 2);
                break;
            default:
                appendStringInfo(out, "\\u%04x", c);
        }
    }
    appendBinaryStringInfo(out, plain, static_cast<int>(end - plain));
    appendStringInfoCharMacro(out, '"');
}

RowWriter* make_row_writer(TupleDesc description, int hidden) {
    auto* writer = static_cast<RowWriter*>(palloc0(sizeof(RowWriter)));
    writer->first = hidden;
    writer->columns = description->natts - hidden;
    writer->writers = static_cast<ColumnWriter*>(palloc0(sizeof(ColumnWriter) * (writer->columns + 1)));
    for (int i = 0; i < writer->columns; ++i)
        prepare_column(&writer->writers[i], TupleDescAttr(description, i + hidden));
    return writer;
}

void write_value(StringInfo out, RowWriter* writer, TupleTableSlot* slot, int column) {
    const int attribute = writer->first + column;
    if (slot->tts_isnull[attribute])
        appendBinaryStringInfo(out, "null", 4);
    else
        write_datum(out, &writer->writers[column], slot->tts_values[attribute]);
}

void write_row_object(StringInfo out, RowWriter* writer, TupleTableSlot* slot) {
    appendStringInfoCharMacro(out, '{');
    for (int i = 0; i < writer->columns; ++i) {
        if (i) appendStringInfoCharMacro(out, ',');
        appendBinaryStringInfo(out, writer->writers[i].key, writer->writers[i].key_length);
        write_value(out, writer, slot, i);
    }
    appendStringInfoCharMacro(out, '}');
}

void write_csv_names(StringInfo out, const char* const* names, int count) {
    for (int i = 0; i < count; ++i) {
        if (i) appendStringInfoCharMacro(out, ',');
        write_csv_name(out, names[i]);
    }
}

void write_csv_header(StringInfo out, RowWriter* writer) {
    for (int i = 0; i < writer->columns; ++i) {
        if (i) appendStringInfoCharMacro(out, ',');
        write_csv_name(out, writer->writers[i].name);
    }
}

void write_row_csv(StringInfo out, RowWriter* writer, TupleTableSlot* slot) {
    for (int i = 0; i < writer->columns; ++i) {
        if (i) appendStringInfoCharMacro(out, ',');
        const int attribute = writer->first + i;
        if (slot->tts_isnull[attribute]) continue;
        write_csv_field(out, OutputFunctionCall(&writer->writers[i].output, slot->tts_values[attribute]));
    }
}

const char* plain_value(RowWriter* writer, TupleTableSlot* slot, int column, std::size_t& size) {
    const int attribute = writer->first + column;
    if (slot->tts_isnull[attribute]) return nullptr;
    ColumnWriter* column_writer = &writer->writers[column];
    if (column_writer->base_type == BYTEAOID) {
        bytea* bytes = DatumGetByteaPP(slot->tts_values[attribute]);
        size = VARSIZE_ANY_EXHDR(bytes);
        return VARDATA_ANY(bytes);
    }
    const char* text = OutputFunctionCall(&column_writer->output, slot->tts_values[attribute]);
    size = std::strlen(text);
    return text;
}

}  // namespace pgrest::exec

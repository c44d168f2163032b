#include "exec/body_table.h"

#include "pg/guard.h"
#include "pg/text.h"
#include "sql/write.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"
}

namespace pgrest::exec {

namespace {

// How a value of JSON becomes one of the column's type (jsonfuncs.c, populate_record_field).
struct Converter {
    FmgrInfo input;
    Oid parameter;
    int32 modifier;
    bool is_json;  // json, jsonb, or a domain over them
    bool nests;    // arrays and composite types take nested values apart
};

// A value below that size is not worth freeing before its row is.
constexpr std::size_t kLarge = 8192;

// What the planner takes for the number of rows, as for json_to_recordset.
constexpr double kExpectedRows = 100;

}  // namespace

struct BodyFeed {
    EphemeralNamedRelation relation;
    TupleDesc description;
    Tuplestorestate* store;
    MemoryContext row_context;
    int count;
    Converter* converters;
    Datum* values;
    bool* nulls;
    FmgrInfo to_record;
};

namespace {

void prepare_converter(Converter* converter, Form_pg_attribute attribute) {
    Oid input = InvalidOid;
    getTypeInputInfo(attribute->atttypid, &input, &converter->parameter);
    fmgr_info(input, &converter->input);
    converter->modifier = attribute->atttypmod;
    const Oid base = getBaseType(attribute->atttypid);
    converter->is_json = base == JSONOID || base == JSONBOID;
    converter->nests = type_is_rowtype(base) || type_is_array(base);
}

TupleDesc describe(const BodyTable& table, const char* const* names) {
    if (table.elements) {
        TupleDesc const description = CreateTemplateTupleDesc(1);
        TupleDescInitEntry(description, 1, sql::kBodyElement, JSONBOID, -1, 0);
        return description;
    }
    const int count = static_cast<int>(table.columns.size());
    TupleDesc const description = CreateTemplateTupleDesc(count);
    for (int i = 0; i < count; ++i) {
        const BodyColumn& column = table.columns[i];
        const Oid type = column.type == 0 ? static_cast<Oid>(JSONOID) : static_cast<Oid>(column.type);
        TupleDescInitEntry(description, static_cast<AttrNumber>(i + 1), names[i], type, column.type_modifier, 0);
    }
    return description;
}

BodyFeed* make_feed(TupleDesc description) {
    auto* feed = static_cast<BodyFeed*>(palloc0(sizeof(BodyFeed)));
    feed->description = description;
    feed->count = description->natts;
    feed->store = tuplestore_begin_heap(false, false, work_mem);
    feed->row_context = AllocSetContextCreate(CurrentMemoryContext, "pgrest body row", ALLOCSET_DEFAULT_SIZES);
    feed->converters = static_cast<Converter*>(palloc0(sizeof(Converter) * feed->count));
    feed->values = static_cast<Datum*>(palloc0(sizeof(Datum) * feed->count));
    feed->nulls = static_cast<bool*>(palloc0(sizeof(bool) * feed->count));
    for (int i = 0; i < feed->count; ++i)
        prepare_converter(&feed->converters[i], TupleDescAttr(description, i));
    fmgr_info(F_JSON_TO_RECORD, &feed->to_record);
    feed->relation = static_cast<EphemeralNamedRelation>(palloc0(sizeof(EphemeralNamedRelationData)));
    feed->relation->md.name = pstrdup(sql::kBodyTable);
    feed->relation->md.reliddesc = InvalidOid;
    feed->relation->md.tupdesc = description;
    feed->relation->md.enrtype = ENR_NAMED_TUPLESTORE;
    feed->relation->md.enrtuples = kExpectedRows;
    feed->relation->reldata = feed->store;
    return feed;
}

void require_size(std::size_t size) {
    if (size > MaxAllocSize - VARHDRSZ)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a value of the request is larger than 1 GB")));
}

// A string as the text of a JSON value.
char* as_json_string(const char* text) {
    StringInfoData quoted;
    initStringInfo(&quoted);
    escape_json(&quoted, text);
    return quoted.data;
}

void store_value(BodyFeed* feed, int column, const api::Cell& cell) {
    Converter* const converter = &feed->converters[column];
    const bool null = cell.kind == api::Cell::Kind::Null;
    char* text = nullptr;
    if (!null) {
        require_size(cell.text.size());
        text = pg::text_from_client(cell.text.data(), cell.text.size());
        if (converter->is_json && cell.kind == api::Cell::Kind::Text) text = as_json_string(text);
    }
    // a domain looks at nulls too
    feed->values[column] = InputFunctionCall(&converter->input, text, converter->parameter, converter->modifier);
    feed->nulls[column] = null;
    if (text && cell.text.size() > kLarge && DatumGetPointer(feed->values[column]) != text) pfree(text);
}

// A call of json_to_record or json_to_recordset outside of a statement.
ReturnSetInfo* result_of(TupleDesc description) {
    ReturnSetInfo* const result = makeNode(ReturnSetInfo);
    result->econtext = CreateStandaloneExprContext();
    result->expectedDesc = description;
    result->allowedModes = SFRM_ValuePerCall | SFRM_Materialize | SFRM_Materialize_Preferred;
    result->returnMode = SFRM_ValuePerCall;
    return result;
}

Datum json_datum(const char* data, std::size_t size) {
    require_size(size);
    return CStringGetTextDatum(pg::text_from_client(data, size));
}

Datum call_with_json(FmgrInfo* function, ReturnSetInfo* result, Datum json) {
    LOCAL_FCINFO(call, 1);
    InitFunctionCallInfoData(*call, function, 1, InvalidOid, nullptr, reinterpret_cast<fmNodePtr>(result));
    call->args[0].value = json;
    call->args[0].isnull = false;
    return FunctionCallInvoke(call);
}

void put_record(BodyFeed* feed, Datum record) {
    HeapTupleHeader const header = DatumGetHeapTupleHeader(record);
    HeapTupleData tuple;
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    ItemPointerSetInvalid(&tuple.t_self);
    tuple.t_tableOid = InvalidOid;
    tuple.t_data = header;
    tuplestore_puttuple(feed->store, &tuple);
}

// The row as PostgreSQL takes it apart.
void put_object(BodyFeed* feed, const char* data, std::size_t size) {
    ReturnSetInfo* const result = result_of(feed->description);
    put_record(feed, call_with_json(&feed->to_record, result, json_datum(data, size)));
    FreeExprContext(result->econtext, true);
}

// json_in says what is wrong with the text of a document.
Datum checked_document(const char* data, std::size_t size) {
    require_size(size);
    return DirectFunctionCall1(json_in, CStringGetDatum(pg::text_from_client(data, size)));
}

// All rows as PostgreSQL takes them apart.
void put_document(BodyFeed* feed, const char* data, std::size_t size, bool is_object) {
    Datum const document = checked_document(data, size);
    if (is_object) {
        ReturnSetInfo* const result = result_of(feed->description);
        put_record(feed, call_with_json(&feed->to_record, result, document));
        return;
    }
    FmgrInfo to_recordset;
    fmgr_info(F_JSON_TO_RECORDSET, &to_recordset);
    ReturnSetInfo* const result = result_of(feed->description);
    call_with_json(&to_recordset, result, document);
    if (!result->setResult) return;
    tuplestore_end(feed->store);
    feed->store = result->setResult;
    feed->relation->reldata = feed->store;
}

// All rows as jsonb.
void put_elements(BodyFeed* feed, const char* data, std::size_t size, bool is_object) {
    Datum const document = DirectFunctionCall1(jsonb_in, CStringGetDatum(pg::text_from_client(data, size)));
    feed->nulls[0] = false;
    if (is_object) {
        feed->values[0] = document;
        tuplestore_putvalues(feed->store, feed->description, feed->values, feed->nulls);
        return;
    }
    FmgrInfo to_elements;
    fmgr_info(F_JSONB_ARRAY_ELEMENTS, &to_elements);
    ReturnSetInfo* const result = result_of(feed->description);
    call_with_json(&to_elements, result, document);
    if (!result->setResult) return;
    tuplestore_end(feed->store);
    feed->store = result->setResult;
    feed->relation->reldata = feed->store;
}

bool needs_taking_apart(const BodyFeed* feed, const api::Cell* cells) {
    for (int i = 0; i < feed->count; ++i)
        if (cells[i].nested && feed->converters[i].nests) return true;
    return false;
}

void put_cells(BodyFeed* feed, const api::Cell* cells) {
    for (int i = 0; i < feed->count; ++i)
        store_value(feed, i, cells[i]);
    tuplestore_putvalues(feed->store, feed->description, feed->values, feed->nulls);
}

std::vector<std::string> names_of(const BodyTable& table) {
    std::vector<std::string> names;
    if (!table.elements)
        for (const BodyColumn& column : table.columns)
            names.push_back(column.name);
    return names;
}

}  // namespace

std::string key_of(const BodyTable& table) {
    std::string key;
    if (table.elements) return "jsonb";
    for (const BodyColumn& column : table.columns)
        key += std::to_string(column.type) + "." + std::to_string(column.type_modifier) + ",";
    return key;
}

BodyLoader::BodyLoader(const BodyTable& table) : table_(table), rows_(table.payload, names_of(table)) {
    for (const BodyColumn& column : table.columns)
        names_.push_back(pg::to_server(column.name));
    for (const std::string& name : names_)
        texts_.push_back(name.c_str());
}

void BodyLoader::announce() {
    feed_ = make_feed(describe(table_, texts_.data()));
    const int result = SPI_register_relation(feed_->relation);
    if (result != SPI_OK_REL_REGISTER)
        elog(ERROR, "the body could not be made a table: %s", SPI_result_code_string(result));
}

void BodyLoader::put_row() {
    BodyFeed* const feed = feed_;
    const bool whole = table_.elements || !rows_.is_object();
    api::Cell element;
    if (table_.elements) element = {api::Cell::Kind::Json, rows_.element(), false};
    const api::Cell* const cells = table_.elements ? &element : rows_.cells().data();
    // read here, since in the lambda nothing may throw
    const bool by_postgresql = !table_.elements && (whole || needs_taking_apart(feed, cells));
    const std::string_view object = by_postgresql ? rows_.element() : std::string_view();
    pg::guarded([=] {
        CHECK_FOR_INTERRUPTS();
        MemoryContext const before = MemoryContextSwitchTo(feed->row_context);
        if (by_postgresql)
            put_object(feed, object.data(), object.size());
        else
            put_cells(feed, cells);
        MemoryContextSwitchTo(before);
        MemoryContextReset(feed->row_context);
    });
}

void BodyLoader::load() {
    if (rows_.readable()) {
        while (rows_.next())
            put_row();
        return;
    }
    BodyFeed* const feed = feed_;
    const std::string_view document = table_.payload.document();
    const bool is_object = table_.payload.form == api::Payload::Form::Object;
    const bool elements = table_.elements;
    pg::guarded([=] {
        if (elements)
            put_elements(feed, document.data(), document.size(), is_object);
        else
            put_document(feed, document.data(), document.size(), is_object);
    });
}

void BodyLoader::end() {
    tuplestore_end(feed_->store);
}

}  // namespace pgrest::exec

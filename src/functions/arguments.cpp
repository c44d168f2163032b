#include "functions/arguments.h"

#include "pg/guard.h"
#include "pg/result_set.h"
#include "pg/text.h"

extern "C" {
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
}

namespace pgrest::functions {

namespace {

using Columns = std::vector<std::optional<std::string>>;

Columns in_server_encoding(Columns columns) {
    for (auto& column : columns)
        if (column) *column = pg::to_server(std::move(*column));
    return columns;
}

// Text of the columns as C strings, nullptr for NULL; views into the C++ strings.
std::vector<char*> pointers(const Columns& columns) {
    std::vector<char*> texts;
    texts.reserve(columns.size());
    for (const auto& column : columns)
        texts.push_back(column ? const_cast<char*>(column->c_str()) : nullptr);
    return texts;
}

}  // namespace

std::string text_argument(FunctionCallInfo fcinfo, int index) {
    const char* value = pg::guarded([=] { return TextDatumGetCString(PG_GETARG_DATUM(index)); });
    return pg::from_server(value);
}

std::string jsonb_argument(FunctionCallInfo fcinfo, int index) {
    const char* text = pg::guarded([=] {
        Jsonb* value = PG_GETARG_JSONB_P(index);
        return JsonbToCString(nullptr, &value->root, VARSIZE(value));
    });
    return pg::from_server(text);
}

Datum record_of_texts(FunctionCallInfo fcinfo, const Columns& columns) {
    const Columns converted = in_server_encoding(columns);
    std::vector<char*> texts = pointers(converted);
    char** values = texts.data();
    return pg::guarded([=] {
        TupleDesc description = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
            ereport(ERROR,
                    (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a row is returned, which was not expected here")));
        AttInMetadata* input = TupleDescGetAttInMetadata(BlessTupleDesc(description));
        return HeapTupleGetDatum(BuildTupleFromCStrings(input, values));
    });
}

void return_rows(FunctionCallInfo fcinfo, const std::vector<Columns>& rows) {
    pg::guarded([=] { pg::init_materialized_result(fcinfo); });
    for (const auto& row : rows) {
        const Columns converted = in_server_encoding(row);
        std::vector<char*> texts = pointers(converted);
        char** values = texts.data();
        pg::guarded([=] {
            auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
            AttInMetadata* input = TupleDescGetAttInMetadata(result->setDesc);
            tuplestore_puttuple(result->setResult, BuildTupleFromCStrings(input, values));
        });
    }
}

}  // namespace pgrest::functions

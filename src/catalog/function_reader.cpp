#include "catalog/function_reader.h"

#include <cctype>
#include <cstring>

#include "catalog/type_text.h"
#include "pg/guard.h"
#include "pg/text.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

struct RawParameter {
    const char* name;
    ::Oid type;
    const char* type_name;
    const char* shown_type;
    bool required;
    bool variadic;
};

struct RawFunction {
    ::Oid oid;
    bool returns_set;
    bool returns_void;
    bool composite;
    const char* row_schema;
    const char* row_relation;
    const char* media_type;
    char volatility;
    int parameters;
    RawParameter* parameter;
    int settings;
    const char** setting_names;
    const char** setting_values;
};

struct RawFunctions {
    int count;
    RawFunction* function;
};

// A cast to character or bit without a length would cut to one.
::Oid type_for_cast(::Oid type) {
    switch (type) {
        case BPCHAROID:
            return VARCHAROID;
        case BPCHARARRAYOID:
            return VARCHARARRAYOID;
        case BITOID:
            return VARBITOID;
        case BITARRAYOID:
            return VARBITARRAYOID;
        default:
            return type;
    }
}

bool takes_whole_body(::Oid type) {
    return type == BYTEAOID || type == JSONOID || type == JSONBOID || type == TEXTOID || type == XMLOID;
}

bool is_input(char mode) {
    return mode == PROARGMODE_IN || mode == PROARGMODE_INOUT || mode == PROARGMODE_VARIADIC;
}

// A name such as text/plain, or */*.
bool is_media_type(const char* name) {
    if (std::strcmp(name, "*/*") == 0) return true;
    int slashes = 0;
    std::size_t since = 0;
    for (const char* c = name; *c; ++c) {
        if (*c == '/') {
            if (since == 0) return false;
            ++slashes;
            since = 0;
            continue;
        }
        const bool plain = std::isalnum(static_cast<unsigned char>(*c)) || *c == '.' || *c == '-';
        if (!plain && !(*c == '+' && slashes == 1)) return false;
        ++since;
    }
    return slashes == 1 && since > 0;
}

void read_result(RawFunction* function, Form_pg_proc form, bool has_output) {
    const ::Oid base = getBaseType(form->prorettype);
    const ::Oid relation = get_typ_typrelid(base);
    function->returns_set = form->proretset;
    function->returns_void = form->prorettype == VOIDOID;
    function->composite = has_output || OidIsValid(relation);
    if (OidIsValid(relation) && get_rel_relkind(relation) != RELKIND_COMPOSITE_TYPE) {
        function->row_schema = get_namespace_name(get_rel_namespace(relation));
        function->row_relation = get_rel_name(relation);
    }
    if (get_typtype(form->prorettype) != TYPTYPE_DOMAIN || form->proretset) return;
    HeapTuple const tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(form->prorettype));
    if (!HeapTupleIsValid(tuple)) return;
    const char* name = NameStr(reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple))->typname);
    if (is_media_type(name)) function->media_type = asc_tolower(name, std::strlen(name));
    ReleaseSysCache(tuple);
}

void read_settings(RawFunction* function, HeapTuple tuple) {
    bool null = false;
    Datum const config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &null);
    if (null) return;
    Datum* clauses = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &clauses, nullptr, &count);
    function->setting_names = static_cast<const char**>(palloc0(sizeof(char*) * (count + 1)));
    function->setting_values = static_cast<const char**>(palloc0(sizeof(char*) * (count + 1)));
    for (int i = 0; i < count; ++i) {
        char* const clause = TextDatumGetCString(clauses[i]);
        char* const equals = std::strchr(clause, '=');
        if (!equals) continue;
        *equals = '\0';
        function->setting_names[function->settings] = clause;
        function->setting_values[function->settings] = equals + 1;
        ++function->settings;
    }
}

// False when the parameters make the function one that cannot be called by names.
bool read_parameters(RawFunction* function, HeapTuple tuple, Form_pg_proc form, bool* has_output) {
    ::Oid* types = nullptr;
    char** names = nullptr;
    char* modes = nullptr;
    const int count = get_func_arg_info(tuple, &types, &names, &modes);
    function->parameter = static_cast<RawParameter*>(palloc0(sizeof(RawParameter) * (count + 1)));
    bool unnamed = false;
    for (int i = 0; i < count; ++i) {
        const char mode = modes ? modes[i] : PROARGMODE_IN;
        if (mode != PROARGMODE_IN && mode != PROARGMODE_VARIADIC) *has_output = true;
        if (!is_input(mode)) continue;
        RawParameter* const parameter = &function->parameter[function->parameters++];
        parameter->name = names && names[i] ? names[i] : "";
        parameter->type = types[i];
        parameter->type_name = qualified_type(type_for_cast(types[i]), -1);
        parameter->shown_type = format_type_be(types[i]);
        parameter->required = function->parameters <= form->pronargs - form->pronargdefaults;
        parameter->variadic = mode == PROARGMODE_VARIADIC;
        unnamed = unnamed || parameter->name[0] == '\0';
    }
    if (!unnamed) return true;
    return function->parameters == 1 && takes_whole_body(function->parameter[0].type);
}

bool read_function(RawFunction* function, HeapTuple tuple) {
    auto* const form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    if (form->prokind != PROKIND_FUNCTION || getBaseType(form->prorettype) == TRIGGEROID) return false;
    function->oid = form->oid;
    function->volatility = form->provolatile;
    bool has_output = false;
    if (!read_parameters(function, tuple, form, &has_output)) return false;
    read_result(function, form, has_output);
    read_settings(function, tuple);
    return true;
}

RawFunctions read(const char* schema, const char* name) {
    RawFunctions result{};
    const ::Oid schema_id = get_namespace_oid(schema, true);
    if (!OidIsValid(schema_id)) return result;
    CatCList* const list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
    result.function = static_cast<RawFunction*>(palloc0(sizeof(RawFunction) * (list->n_members + 1)));
    for (int i = 0; i < list->n_members; ++i) {
        CHECK_FOR_INTERRUPTS();
        HeapTuple const tuple = &list->members[i]->tuple;
        if (reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->pronamespace != schema_id) continue;
        RawFunction* const function = &result.function[result.count];
        if (read_function(function, tuple))
            ++result.count;
        else
            *function = RawFunction{};
    }
    ReleaseSysCacheList(list);
    return result;
}

std::string text(const char* raw) {
    return pg::name_from_server(raw);
}

Volatility volatility_of(char volatility) {
    if (volatility == PROVOLATILE_IMMUTABLE) return Volatility::Immutable;
    return volatility == PROVOLATILE_STABLE ? Volatility::Stable : Volatility::Volatile;
}

Function function_of(const RawFunction& raw, const std::string& schema, const std::string& name) {
    Function function;
    function.oid = raw.oid;
    function.schema = schema;
    function.name = name;
    function.returns_set = raw.returns_set;
    function.returns_void = raw.returns_void;
    function.composite = raw.composite;
    function.row_type_schema = text(raw.row_schema);
    function.row_type_relation = text(raw.row_relation);
    function.media_type = text(raw.media_type);
    function.volatility = volatility_of(raw.volatility);
    for (int i = 0; i < raw.parameters; ++i) {
        const RawParameter& from = raw.parameter[i];
        function.parameters.push_back(
            {text(from.name), from.type, text(from.type_name), text(from.shown_type), from.required, from.variadic});
    }
    for (int i = 0; i < raw.settings; ++i)
        function.settings.emplace_back(text(raw.setting_names[i]), text(raw.setting_values[i]));
    return function;
}

}  // namespace

std::vector<Function> read_functions(const std::string& schema, const std::string& name) {
    std::vector<Function> functions;
    const auto schema_name = pg::name_to_server(schema);
    const auto function_name = pg::name_to_server(name);
    if (!schema_name || !function_name) return functions;
    const char* const schema_text = schema_name->c_str();
    const char* const name_text = function_name->c_str();
    MemoryContext const context = pg::guarded(
        [] { return AllocSetContextCreate(CurrentMemoryContext, "pgrest functions", ALLOCSET_DEFAULT_SIZES); });
    const RawFunctions raw = pg::guarded([=] {
        MemoryContext const before = MemoryContextSwitchTo(context);
        const RawFunctions found = read(schema_text, name_text);
        MemoryContextSwitchTo(before);
        return found;
    });
    for (int i = 0; i < raw.count; ++i)
        functions.push_back(function_of(raw.function[i], schema, name));
    MemoryContextDelete(context);
    return functions;
}

}  // namespace pgrest::catalog

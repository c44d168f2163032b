#include "exec/statement.h"

#include <cstring>

#include "exec/plan_cache.h"
#include "exec/plan_dependencies.h"
#include "exec/reads_settings.h"
#include "exec/row_receiver.h"
#include "exec/statement_timer.h"
#include "exec/waiting_settings.h"
#include "pg/guard.h"
#include "pg/text.h"
#include "sql/long_name.h"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "nodes/params.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
}

namespace pgrest::exec {

namespace {

// A value as plain memory.
struct RawValue {
    const char* data;
    std::size_t size;
    bool null;
    bool binary;
    bool list;
};

struct Call {
    const char* sql;
    const RawValue* values;
    int count;
    bool read_only;
    SavedPlan saved;  // plan is nullptr when it has to be prepared
    RowReceiver* receiver;
    StatementTimer* timer;
    bool has_looked_up;
    uint64 looked_up_at;
    bool outdated;
    BodyLoader* body;  // nullptr: there is none
    Oid called;
    ParamListInfo parameters;
};

bool has_table(const Statement& statement) {
    return statement.table && !statement.table->columns.empty();
}

std::string key_of(const Statement& statement, bool depends_on_role) {
    std::string key;
    key.reserve(statement.sql.size() + 64);
    key += namespace_search_path ? namespace_search_path : "";
    key += '\0';
    if (depends_on_role) key += std::to_string(GetUserId());
    key += '\0';
    if (has_table(statement)) key += key_of(*statement.table);
    key += '\0';
    return key += statement.sql;
}

bool parameters_may_read_settings(const ParameterTypes* parameters) {
    for (int i = 0; i < parameters->count; ++i)
        if (may_read_settings(parameters->types[i])) return true;
    return false;
}

CachedPlanSource* source_of(const SavedPlan* saved) {
    return static_cast<CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(saved->plan)));
}

bool judge(const SavedPlan* saved, const CachedPlan* cached) {
    Judgement* const judgement = saved->judgement;
    if (judgement->generation == cached->generation) return judgement->may_read_settings;
    judgement->may_read_settings =
        may_read_settings(source_of(saved)) || parameters_may_read_settings(saved->parameters);
    judgement->generation = cached->generation;
    return judgement->may_read_settings;
}

// A name in the text may have got another meaning since it was analysed.
bool means_something_else(const SavedPlan* saved) {
    Dependencies* const known = saved->dependencies;
    const uint64 now = heard_changes_of_names();
    if (known->meaning_at == now) return false;
    const uint64 meaning = meaning_of_names(source_of(saved));
    if (meaning != known->meaning) return true;
    known->meaning_at = now;
    return false;
}

// Analysed by others' hands (in the middle of its last run), or named otherwise: what was heard in between is not
// known.
bool may_be_outdated(const SavedPlan* saved) {
    Dependencies* const known = saved->dependencies;
    if (!has_added_dependencies(source_of(saved))) return known->analysed_at != heard_changes();
    return means_something_else(saved);
}

// A plan that knows all that it depends on, and has heard of all that changed since its text was analysed.
CachedPlan* current_plan(const SavedPlan* saved) {
    constexpr int most_attempts = 10;
    CachedPlanSource* const source = source_of(saved);
    Dependencies* const known = saved->dependencies;
    if (may_be_outdated(saved)) outdate(source);
    for (int attempt = 1;; ++attempt) {
        const bool analysed_here = !source->is_valid || known->analysed_at == Dependencies::kLater;
        const uint64 before = analysed_here ? heard_changes() : known->analysed_at;
        const uint64 names_before = heard_changes_of_names();
        CachedPlan* const cached = SPI_plan_get_cached_plan(saved->plan);
        known->analysed_at = Dependencies::kLater;
        if (!cached || has_added_dependencies(source)) return cached;
        add_dependencies(source);
        known->meaning = meaning_of_names(source);
        known->meaning_at = names_before;
        if (heard_changes() == before) return cached;
        outdate(source);
        // somebody changes things without pause; the next use will look again
        if (attempt == most_attempts) return cached;
        ReleaseCachedPlan(cached, CurrentResourceOwner);
    }
}

// What PostgreSQL itself will say of the relations of the plan before it runs.
void check_relations(const CachedPlan* cached) {
    ListCell* cell = nullptr;
    foreach (cell, cached->stmt_list) {
        auto* const planned = lfirst_node(PlannedStmt, cell);
#if PG_VERSION_NUM >= 160000
        ExecCheckPermissions(planned->rtable, planned->permInfos, true);
#else
        ExecCheckRTPerms(planned->rtable, true);
#endif
    }
}

// The called function is looked up by its name again: one that the plan does not use is none of its business.
bool plan_calls(const CachedPlanSource* source, Oid function) {
    const uint32 hash = GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(function));
    ListCell* cell = nullptr;
    foreach (cell, source->invalItems) {
        const auto* const item = static_cast<PlanInvalItem*>(lfirst(cell));
        if (item->cacheId == PROCOID && item->hashValue == hash) return true;
    }
    return false;
}

void check_function(const SavedPlan* saved, Oid function) {
    if (!OidIsValid(function) || !plan_calls(source_of(saved), function)) return;
#if PG_VERSION_NUM >= 160000
    const AclResult result = object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);
#else
    const AclResult result = pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);
#endif
    if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
}

bool reads_much(const Call* call) {
    constexpr std::size_t much = 16 * 1024;
    std::size_t size = 0;
    for (int i = 0; i < call->count; ++i)
        size += call->values[i].size;
    return call->body || size > much;
}

// Settles the types (locks are taken, an outdated text is analysed again), before any value is converted. Settings that
// wait are brought into force unless the plan is sure not to read them. It is this plan that will run: another one has
// to be made by the planner, before which they are brought into force anyway. What the role may not do is refused
// before large values are converted for it.
void revalidate(const Call* call) {
    const SavedPlan* const saved = &call->saved;
    CachedPlan* const cached = current_plan(saved);
    const bool wanted = settings_wait() && (!cached || judge(saved, cached));
    if (cached && reads_much(call)) {
        check_relations(cached);
        check_function(saved, call->called);
    }
    if (cached) ReleaseCachedPlan(cached, CurrentResourceOwner);
    if (wanted) bring_settings_into_force();
}

char delimiter_of(Oid array) {
    const Oid element = get_base_element_type(array);
    if (!OidIsValid(element)) return ',';
    int16 length = 0;
    bool by_value = false;
    char alignment = 0;
    char delimiter = ',';
    Oid io_parameter = InvalidOid;
    Oid function = InvalidOid;
    get_type_io_data(element, IOFunc_input, &length, &by_value, &alignment, &delimiter, &io_parameter, &function);
    return delimiter;
}

// The elements are quoted, and so are commas inside of them.
char* with_delimiter(const RawValue* list, char delimiter) {
    char* const text = pnstrdup(list->data, list->size);
    bool quoted = false;
    for (char* c = text; c < text + list->size; ++c) {
        if (*c == '\\')
            ++c;
        else if (*c == '"')
            quoted = !quoted;
        else if (*c == ',' && !quoted)
            *c = delimiter;
    }
    return text;
}

Datum convert(const RawValue* value, Oid type) {
    constexpr std::size_t large = 8192;
    // room for a header or the zero at its end
    if (value->size > MaxAllocSize - VARHDRSZ)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a value of the request is larger than 1 GB")));
    if (value->binary) {
        auto* bytes = static_cast<bytea*>(palloc(VARHDRSZ + value->size));
        SET_VARSIZE(bytes, VARHDRSZ + value->size);
        std::memcpy(VARDATA(bytes), value->data, value->size);
        return PointerGetDatum(bytes);
    }
    Oid input = InvalidOid;
    Oid element = InvalidOid;
    getTypeInputInfo(type, &input, &element);
    const char delimiter = value->list ? delimiter_of(type) : ',';
    const char* const data = delimiter == ',' ? value->data : with_delimiter(value, delimiter);
    char* const text = pg::text_from_client(data, value->size);
    Datum const converted = OidInputFunctionCall(input, text, element, -1);
    // the text of a large value is not held beside it
    if (value->size > large && get_typlen(type) == -1) pfree(text);
    return converted;
}

ParamListInfo bind(const Call* call, const ParameterTypes* parameters) {
    if (call->count == 0) return nullptr;
    ParamListInfo list = makeParamList(call->count);
    for (int i = 0; i < call->count; ++i) {
        ParamExternData* parameter = &list->params[i];
        const RawValue* value = &call->values[i];
        parameter->ptype = OidIsValid(parameters->types[i]) ? parameters->types[i] : static_cast<Oid>(UNKNOWNOID);
        parameter->pflags = PARAM_FLAG_CONST;
        parameter->isnull = value->null;
        parameter->value = value->null ? static_cast<Datum>(0) : convert(value, parameter->ptype);
    }
    return list;
}

// With the statement's locks nothing of it can change any more. What the transaction itself has changed is no reason.
bool is_outdated(const Call* call) {
    return call->has_looked_up && call->looked_up_at != heard_changes() &&
           !TransactionIdIsValid(GetTopTransactionIdIfAny());
}

// Everything up to the values that are parameters, as C code, like the next: no C++ object with a destructor lives in
// here.
void prepare(Call* call) {
    debug_query_string = call->sql;
    log_statement_start(call->sql);
    call->timer->start();
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI is not available");
    if (call->body) call->body->announce();
    if (!call->saved.plan) call->saved = prepare_plan(call->sql, call->count);
    revalidate(call);
    call->outdated = is_outdated(call);
    if (call->outdated) return;
    call->parameters = bind(call, call->saved.parameters);
}

// Up to the last row.
void execute(Call* call) {
    SPIExecuteOptions options;
    std::memset(&options, 0, sizeof options);
    options.params = call->parameters;
    options.read_only = call->read_only;
    options.dest = &call->receiver->pub;
    const int result = SPI_execute_plan_extended(call->saved.plan, &options);
    if (result < 0) elog(ERROR, "a statement failed: %s", SPI_result_code_string(result));
    finish_rows(call->receiver);
    if (call->body) call->body->end();
    SPI_finish();
    call->timer->stop();
    log_statement_end(call->sql);
    debug_query_string = nullptr;
}

std::vector<RawValue> raw_values(const Statement& statement) {
    std::vector<RawValue> values;
    values.reserve(statement.values.size());
    auto list = statement.lists.begin();
    for (const auto& value : statement.values) {
        const std::size_t index = values.size();
        const bool binary = statement.binary_value && *statement.binary_value == index;
        const bool is_list = list != statement.lists.end() && *list == index;
        if (is_list) ++list;
        if (!value)
            values.push_back({nullptr, 0, true, false, false});
        else
            values.push_back({value->data(), value->size(), false, binary, is_list});
    }
    return values;
}

std::vector<std::string> in_server_encoding(std::vector<std::string> names) {
    for (std::string& name : names)
        name = pg::to_server(std::move(name));
    return names;
}

std::vector<const char*> texts_of(const std::vector<std::string>& names) {
    std::vector<const char*> texts;
    for (const std::string& name : names)
        texts.push_back(name.c_str());
    return texts;
}

Outcome outcome_of(const RowReceiver* receiver) {
    Outcome outcome;
    outcome.rows = receiver->written;
    outcome.total = receiver->seen;
    if (receiver->response_status) outcome.response_status = receiver->response_status;
    if (receiver->response_headers) outcome.response_headers = receiver->response_headers;
    if (!receiver->has_values) return outcome;
    auto& values = receiver->form == RowForm::Fields ? outcome.fields : outcome.hidden;
    for (int i = 0; i < receiver->values_count; ++i)
        values.push_back(receiver->values[i] ? std::optional<std::string>(receiver->values[i]) : std::nullopt);
    return outcome;
}

// PostgreSQL cuts a name that is too long, with a notice that nobody sees, and so might find another one.
void require_whole_names(const char* sql) {
    const auto name = sql::long_name(sql, NAMEDATALEN - 1);
    if (!name) return;
    http::DatabaseError error;
    // nearly always a column; what is too long to be one does not exist
    error.sqlstate = "42703";
    error.message = "\"" + pg::shown_from_server(*name) + "\" does not exist";
    error.detail = "A name has at most " + std::to_string(NAMEDATALEN - 1) + " bytes.";
    throw pg::Error(std::move(error));
}

// Keeps a plan of the cache from being freed.
class Running {
public:
    explicit Running(KeptPlan* kept) : kept_(kept) {
        if (kept_) ++kept_->running;
    }
    ~Running() {
        if (kept_) --kept_->running;
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

private:
    KeptPlan* kept_;
};

// The receiver's memory, given back whichever way the statement ends.
class ReceiverMemory {
public:
    ReceiverMemory()
        : context_(pg::guarded(
              [] { return AllocSetContextCreate(TopMemoryContext, "pgrest receiver", ALLOCSET_DEFAULT_SIZES); })) {}
    ~ReceiverMemory() { MemoryContextDelete(context_); }
    ReceiverMemory(const ReceiverMemory&) = delete;
    ReceiverMemory& operator=(const ReceiverMemory&) = delete;
    MemoryContext context() const { return context_; }

private:
    MemoryContext context_;
};

}  // namespace

Outcome run(const Statement& statement, const RowFormat& format, const RunOptions& options, Body& body) {
    const std::string key = key_of(statement, options.depends_on_role);
    KeptPlan* const known = PlanCache::of_process().find(key);
    const Running running_plan(known);
    const std::vector<RawValue> values = raw_values(statement);
    const pg::ServerText sql(statement.sql);
    if (!known) require_whole_names(sql.c_str());
    const std::vector<std::string> csv_header = in_server_encoding(format.csv_header);
    const std::vector<const char*> csv_names = texts_of(csv_header);
    const ReceiverMemory memory;
    StatementTimer timer;
    std::optional<BodyLoader> loader;
    if (has_table(statement)) loader.emplace(*statement.table);

    Call call{};
    call.timer = &timer;
    call.sql = sql.c_str();
    call.values = values.data();
    call.count = static_cast<int>(values.size());
    call.read_only = options.read_only;
    call.body = loader ? &*loader : nullptr;
    call.called = options.called;
    call.has_looked_up = options.unchanged_since.has_value();
    call.looked_up_at = options.unchanged_since.value_or(0);
    if (known) call.saved = known->plan;
    Call* const running = &call;
    Body* const out = &body;
    const RowFormat* const form = &format;
    const char* const* const names = csv_names.data();
    MemoryContext const context = memory.context();
    pg::guarded([=] {
        MemoryContext const before = MemoryContextSwitchTo(context);
        running->receiver = make_row_receiver(out, *form, names);
        MemoryContextSwitchTo(before);
    });
    try {
        pg::guarded([=] { prepare(running); });
        if (call.outdated) throw ChangedMeanwhile();
        if (loader) loader->load();
        if (statement.values_are_read) statement.values_are_read();
        pg::guarded([=] { execute(running); });
    } catch (...) {
        debug_query_string = nullptr;
        // a plan that was prepared before its first run failed is good for the next request
        if (!known && call.saved.plan) PlanCache::of_process().add(key, call.saved);
        throw;
    }
    if (!known) PlanCache::of_process().add(key, call.saved);
    return outcome_of(call.receiver);
}

void run_utility(const std::string& sql) {
    const pg::ServerText server_sql(sql);
    const char* const text = server_sql.c_str();
    pg::guarded([=] {
        if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI is not available");
        const int result = SPI_execute(text, false, 0);
        if (result < 0) elog(ERROR, "a statement failed: %s", SPI_result_code_string(result));
        SPI_finish();
    });
}

}  // namespace pgrest::exec

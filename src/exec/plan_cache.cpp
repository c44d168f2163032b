#include "exec/plan_cache.h"

#include <cstring>

#include "pg/guard.h"

extern "C" {
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "parser/parse_param.h"
}

namespace pgrest::exec {

namespace {

// Called at every analysis of the plan's text, the first one and after each invalidation.
void set_up_parser(ParseState* state, void* argument) {
    auto* parameters = static_cast<ParameterTypes*>(argument);
    // types of an earlier analysis may be those of columns that have changed since
    std::memset(parameters->types, 0, sizeof(Oid) * parameters->count);
#if PG_VERSION_NUM >= 150000
    setup_parse_variable_parameters(state, &parameters->types, &parameters->count);
#else
    parse_variable_parameters(state, &parameters->types, &parameters->count);
#endif
}

void free_plan(const SavedPlan& saved) {
    SPIPlanPtr const plan = saved.plan;
    MemoryContext const context = saved.context;
    pg::guarded([=] {
        SPI_freeplan(plan);
        MemoryContextDelete(context);
    });
}

}  // namespace

PlanCache& PlanCache::of_process() {
    static PlanCache cache;
    return cache;
}

const SavedPlan* PlanCache::find(const std::string& key) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
}

const SavedPlan* PlanCache::add(std::string key, const SavedPlan& plan) {
    while (!entries_.empty() && (by_key_.size() >= kCapacity || text_ + key.size() > kTextCapacity))
        drop_oldest();
    text_ += key.size();
    entries_.emplace_front(std::move(key), plan);
    by_key_.emplace(entries_.front().first, entries_.begin());
    return &entries_.front().second;
}

void PlanCache::drop_oldest() {
    const SavedPlan oldest = entries_.back().second;
    text_ -= entries_.back().first.size();
    by_key_.erase(entries_.back().first);
    entries_.pop_back();
    free_plan(oldest);
}

void PlanCache::clear() {
    by_key_.clear();
    text_ = 0;
    while (!entries_.empty()) {
        const SavedPlan plan = entries_.back().second;
        entries_.pop_back();
        free_plan(plan);
    }
}

SavedPlan prepare_plan(const char* sql, int parameters) {
    SavedPlan saved;
    saved.context = AllocSetContextCreate(TopMemoryContext, "pgrest plan parameters", ALLOCSET_SMALL_SIZES);
    saved.parameters = static_cast<ParameterTypes*>(MemoryContextAllocZero(saved.context, sizeof(ParameterTypes)));
    saved.parameters->count = parameters;
    saved.parameters->types = static_cast<Oid*>(MemoryContextAllocZero(saved.context, sizeof(Oid) * (parameters + 1)));
    saved.judgement = static_cast<Judgement*>(MemoryContextAllocZero(saved.context, sizeof(Judgement)));
    PG_TRY();
    {
        SPIPrepareOptions options;
        std::memset(&options, 0, sizeof options);
        options.parserSetup = set_up_parser;
        options.parserSetupArg = saved.parameters;
        options.parseMode = RAW_PARSE_DEFAULT;
        saved.plan = SPI_prepare_extended(sql, &options);
        if (!saved.plan)
            ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                            errmsg("a statement could not be prepared: %s", SPI_result_code_string(SPI_result))));
        if (SPI_keepplan(saved.plan) != 0) elog(ERROR, "a plan could not be kept");
    }
    PG_CATCH();
    {
        MemoryContextDelete(saved.context);
        PG_RE_THROW();
    }
    PG_END_TRY();
    return saved;
}

}  // namespace pgrest::exec

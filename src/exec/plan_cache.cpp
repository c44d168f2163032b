#include "exec/plan_cache.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "exec/plan_dependencies.h"
#include "pg/guard.h"

extern "C" {
#include "mb/pg_wchar.h"
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

PlanCache::PlanCache() {
    pg::guarded([] { watch_plan_dependencies(); });
}

PlanCache& PlanCache::of_process() {
    static PlanCache cache;
    return cache;
}

KeptPlan* PlanCache::find(const std::string& key) {
    auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    plans_.splice(plans_.begin(), plans_, found->second);
    return &*found->second;
}

bool PlanCache::is_full_for(const std::string& key) const {
    return plans_.size() >= kCapacity || text_ + key.size() > kTextCapacity;
}

void PlanCache::add(std::string key, const SavedPlan& plan) {
    // a request inside of this one was the same and came to its end first
    if (by_key_.contains(key)) return free_plan(plan);
    while (is_full_for(key) && drop_oldest()) {
    }
    text_ += key.size();
    plans_.push_front({std::move(key), plan});
    by_key_.emplace(plans_.front().key, plans_.begin());
}

// False when all of them run.
bool PlanCache::drop_oldest() {
    const auto oldest =
        std::find_if(plans_.rbegin(), plans_.rend(), [](const KeptPlan& kept) { return kept.running == 0; });
    if (oldest == plans_.rend()) return false;
    const SavedPlan plan = oldest->plan;
    text_ -= oldest->key.size();
    by_key_.erase(oldest->key);
    plans_.erase(std::next(oldest).base());
    free_plan(plan);
    return true;
}

SavedPlan prepare_plan(const char* sql, int parameters) {
    pg_verifymbstr(sql, static_cast<int>(std::strlen(sql)), /* noError */ false);
    SavedPlan saved;
    saved.context = AllocSetContextCreate(TopMemoryContext, "pgrest plan parameters", ALLOCSET_SMALL_SIZES);
    saved.parameters = static_cast<ParameterTypes*>(MemoryContextAllocZero(saved.context, sizeof(ParameterTypes)));
    saved.parameters->count = parameters;
    saved.parameters->types = static_cast<Oid*>(MemoryContextAllocZero(saved.context, sizeof(Oid) * (parameters + 1)));
    saved.judgement = static_cast<Judgement*>(MemoryContextAllocZero(saved.context, sizeof(Judgement)));
    saved.dependencies = static_cast<Dependencies*>(MemoryContextAllocZero(saved.context, sizeof(Dependencies)));
    saved.dependencies->analysed_at = heard_changes();
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

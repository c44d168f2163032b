// Saved plans of this process by SQL text, search path and role: a bounded LRU. Parameters are untyped in the text;
// PostgreSQL's parser infers their types, anew at every analysis, so that DDL between two requests is seen.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include "pg/postgres.h"

extern "C" {
#include "executor/spi.h"
}

namespace pgrest::exec {

// What PostgreSQL's parser inferred; lives as long as the plan. Plain memory.
struct ParameterTypes {
    Oid* types;
    int count;
};

// What is known of one generation of the plan (CachedPlan.generation; 0: of none yet).
struct Judgement {
    int generation;
    bool may_read_settings;
};

// See exec/plan_dependencies.h.
struct Dependencies {
    uint64 analysed_at;  // heard_changes() before the text's first analysis; kLater: it was analysed again
    uint64 meaning;
    uint64 meaning_at;  // heard_changes_of_names() when the meaning was found
    static constexpr uint64 kLater = ~static_cast<uint64>(0);
};

struct SavedPlan {
    SPIPlanPtr plan = nullptr;
    ParameterTypes* parameters = nullptr;
    Judgement* judgement = nullptr;
    Dependencies* dependencies = nullptr;
    MemoryContext context = nullptr;  // of the parameters, the judgement and the dependencies
};

// A plan of the cache. While it runs it is not freed, whatever the requests inside of its request do.
struct KeptPlan {
    std::string key;
    SavedPlan plan;
    int running = 0;
};

class PlanCache {
public:
    static constexpr std::size_t kCapacity = 512;
    // A plan takes about a hundred times the memory of its text, so that a few requests of thousands of columns weigh
    // as much as hundreds of common ones.
    static constexpr std::size_t kTextCapacity = 256 * 1024;

    static PlanCache& of_process();
    PlanCache();

    // nullptr when there is none; the entry becomes the most recently used.
    KeptPlan* find(const std::string& key);
    // Takes the plan over, which no longer runs; the least recently used may be freed.
    void add(std::string key, const SavedPlan& plan);

private:
    bool is_full_for(const std::string& key) const;
    bool drop_oldest();

    std::list<KeptPlan> plans_;  // most recently used first
    std::unordered_map<std::string, std::list<KeptPlan>::iterator> by_key_;
    std::size_t text_ = 0;  // bytes of all keys
};

// Prepares and keeps. SPI must be connected. May ereport; C in its use of memory.
SavedPlan prepare_plan(const char* sql, int parameters);

}  // namespace pgrest::exec

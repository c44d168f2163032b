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

struct SavedPlan {
    SPIPlanPtr plan = nullptr;
    ParameterTypes* parameters = nullptr;
    Judgement* judgement = nullptr;
    MemoryContext context = nullptr;  // of the parameters and the judgement
};

class PlanCache {
public:
    static constexpr std::size_t kCapacity = 512;
    // A plan takes about a hundred times the memory of its text, so that a few requests of thousands of columns weigh
    // as much as hundreds of common ones.
    static constexpr std::size_t kTextCapacity = 256 * 1024;

    static PlanCache& of_process();

    // nullptr when there is none; the entry becomes the most recently used.
    const SavedPlan* find(const std::string& key);
    // Takes the plan over; the least recently used may be freed.
    const SavedPlan* add(std::string key, const SavedPlan& plan);
    void clear();
    std::size_t size() const { return by_key_.size(); }

private:
    void drop_oldest();

    using Entry = std::pair<std::string, SavedPlan>;
    std::list<Entry> entries_;  // most recently used first
    std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
    std::size_t text_ = 0;  // bytes of all keys
};

// Prepares and keeps. SPI must be connected. May ereport; C in its use of memory.
SavedPlan prepare_plan(const char* sql, int parameters);

}  // namespace pgrest::exec

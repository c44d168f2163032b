// What PostgreSQL says has changed, collected by its callbacks (utils/inval.h) until somebody has dealt with it. A
// callback may do nothing but remember: no catalog can be read inside it.
#pragma once

#include "pg/postgres.h"

namespace pgrest::catalog {

struct Invalidations {
    static constexpr int kMost = 256;

    template <typename T>
    struct List {
        int count;
        T items[kMost];
    };

    bool everything;       // too much changed, or PostgreSQL lost track; schemas changed
    bool representations;  // casts, or functions
    List<Oid> relations;
    List<uint32> rules;  // hash values of the syscache RULERELNAME
    List<uint32> types;  // hash values of TYPEOID
};

// Registers the callbacks once.
void watch_invalidations();

// Counts all of them, and those of some catalogs.
struct Heard {
    uint64 all;
    uint64 constraints;
    uint64 attributes;
};
const Heard& heard();

// Takes what was collected. Unless done() is called in the end, everything counts as changed for whoever takes it next.
class TakenInvalidations {
public:
    TakenInvalidations();
    ~TakenInvalidations();
    TakenInvalidations(const TakenInvalidations&) = delete;
    TakenInvalidations& operator=(const TakenInvalidations&) = delete;

    const Invalidations& operator*() const { return taken_; }
    void done() { done_ = true; }

private:
    Invalidations taken_;
    bool done_ = false;
};

// Is there anything to take?
bool any_invalidations();

}  // namespace pgrest::catalog

// What PostgreSQL says has changed, collected by its callbacks (utils/inval.h) until somebody asks. A callback may do
// nothing but remember: no catalog can be read inside it.
#pragma once

#include "pg/postgres.h"

namespace pgrest::catalog {

struct Invalidations {
    static constexpr int kMost = 64;
    bool everything;       // too much changed, or PostgreSQL lost track
    bool graph;            // constraints, or functions
    bool representations;  // casts, or functions
    int count;
    Oid relations[kMost];
};

// Registers the callbacks once.
void watch_invalidations();

// What was collected; starts anew.
Invalidations take_invalidations();

// Is there anything?
bool any_invalidations();

}  // namespace pgrest::catalog

#include "catalog/invalidation.h"

#include <cstring>

extern "C" {
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

Invalidations collected{};
bool any = false;
bool watching = false;

void relation_changed(Datum, Oid relation) {
    any = true;
    if (!OidIsValid(relation) || collected.count == Invalidations::kMost)
        collected.everything = true;
    else
        collected.relations[collected.count++] = relation;
}

void constraint_changed(Datum, int, uint32) {
    any = true;
    collected.graph = true;
}

void function_changed(Datum, int, uint32) {
    any = true;
    collected.graph = true;
    collected.representations = true;
}

void cast_changed(Datum, int, uint32) {
    any = true;
    collected.representations = true;
}

}  // namespace

void watch_invalidations() {
    if (watching) return;
    watching = true;
    CacheRegisterRelcacheCallback(relation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(CONSTROID, constraint_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(PROCOID, function_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(CASTSOURCETARGET, cast_changed, static_cast<Datum>(0));
}

Invalidations take_invalidations() {
    const Invalidations taken = collected;
    std::memset(&collected, 0, sizeof collected);
    any = false;
    return taken;
}

bool any_invalidations() {
    return any;
}

}  // namespace pgrest::catalog

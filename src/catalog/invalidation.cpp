#include "catalog/invalidation.h"

extern "C" {
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace pgrest::catalog {

namespace {

Invalidations collected{};
Heard numbers{};
bool any = false;
bool watching = false;

void note() {
    any = true;
    ++numbers.all;
}

template <typename T>
void collect(Invalidations::List<T>& list, T item) {
    note();
    for (int i = 0; i < list.count; ++i)
        if (list.items[i] == item) return;
    if (list.count == Invalidations::kMost)
        collected.everything = true;
    else
        list.items[list.count++] = item;
}

void everything_changed() {
    note();
    collected.everything = true;
    ++numbers.constraints;
    ++numbers.attributes;
}

void relation_changed(Datum, Oid relation) {
    if (OidIsValid(relation))
        collect(collected.relations, relation);
    else
        everything_changed();
}

// A hash value of 0: the whole cache.

void rule_changed(Datum, int, uint32 hash) {
    if (hash)
        collect(collected.rules, hash);
    else
        everything_changed();
}

void type_changed(Datum, int, uint32 hash) {
    if (hash)
        collect(collected.types, hash);
    else
        everything_changed();
}

void constraint_changed(Datum, int, uint32 hash) {
    if (!hash) return everything_changed();
    note();
    ++numbers.constraints;
}

void attribute_changed(Datum, int, uint32 hash) {
    if (!hash) return everything_changed();
    note();
    ++numbers.attributes;
}

void representation_changed(Datum, int, uint32) {
    note();
    collected.representations = true;
}

void schema_changed(Datum, int, uint32) {
    everything_changed();
}

}  // namespace

void watch_invalidations() {
    if (watching) return;
    watching = true;
    CacheRegisterRelcacheCallback(relation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(RULERELNAME, rule_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(TYPEOID, type_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(CONSTROID, constraint_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(ATTNUM, attribute_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(PROCOID, representation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(CASTSOURCETARGET, representation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, static_cast<Datum>(0));
}

const Heard& heard() {
    return numbers;
}

TakenInvalidations::TakenInvalidations() : taken_(collected) {
    collected = Invalidations{};
    any = false;
}

TakenInvalidations::~TakenInvalidations() {
    if (done_) return;
    any = true;
    collected.everything = true;
}

bool any_invalidations() {
    return any;
}

}  // namespace pgrest::catalog

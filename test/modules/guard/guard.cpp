// Errors and exceptions at every place where C++ and PostgreSQL meet, as SQL functions.
#include "pg/guard.h"

#include <stdexcept>
#include <string>

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
}

extern "C" {
PG_MODULE_MAGIC;
}

namespace {

using namespace pgrest;

// Alive in every frame that an error must not jump over. A destructor that did not run leaves the count above zero.
class Witness {
public:
    Witness() { ++alive; }
    ~Witness() { --alive; }
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;
    static inline int alive = 0;
};

char* c_string(FunctionCallInfo fcinfo, int number) {
    return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

std::string described(const pg::Error& error) {
    const http::DatabaseError& seen = error.error();
    return seen.sqlstate + "|" + seen.message + "|" + seen.detail.value_or("-") + "|" + seen.hint.value_or("-");
}

Datum as_text(const std::string& from) {
    const char* data = from.data();
    const int size = static_cast<int>(from.size());
    return pg::guarded([=] { return PointerGetDatum(cstring_to_text_with_len(data, size)); });
}

// Rule (a): the call that raises is inside guarded(), and nothing in the lambda has a destructor.
std::string raise_and_catch(const char* message) {
    const Witness witness;
    try {
        pg::guarded([=] {
            ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("%s", message),
                            errdetail("detail of %s", message), errhint("hint of %s", message)));
        });
    } catch (const pg::Error& error) {
        const Witness another;
        return described(error);
    }
    return "not raised";
}

std::string run_and_catch(const char* sql) {
    const Witness witness;
    try {
        pg::guarded([=] {
            if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI is not available");
            SPI_execute(sql, false, 0);
            SPI_finish();
        });
    } catch (const pg::Error& error) {
        return described(error);
    }
    return "not raised";
}

struct Outside {
    MemoryContext memory;
    ResourceOwner owner;
};

// As a procedural language does it: a subtransaction, so that the session goes on after the error.
std::string in_subtransaction(const char* sql) {
    const Outside before{CurrentMemoryContext, CurrentResourceOwner};
    pg::guarded([=] { BeginInternalSubTransaction(nullptr); });
    const std::string seen = run_and_catch(sql);
    pg::guarded([=] {
        RollbackAndReleaseCurrentSubTransaction();
        CurrentResourceOwner = before.owner;
        MemoryContextSwitchTo(before.memory);
    });
    return seen;
}

void throw_one(const std::string& kind) {
    const Witness witness;
    if (kind == "runtime_error") throw std::runtime_error("thrown");
    if (kind == "invalid_argument") throw std::invalid_argument("bad argument");
    if (kind == "bad_alloc") throw std::bad_alloc();
    if (kind == "number") throw 5;
    if (kind == "failure") http::fail("PGRST100", "not understood");
    if (kind == "long") throw std::runtime_error(std::string(5000, 'x'));
    http::DatabaseError error;
    error.sqlstate = "42501";
    error.message = "refused";
    error.detail = "a detail";
    error.hint = "a hint";
    throw pg::Error(error);
}

}  // namespace

extern "C" {

#define GUARD_FUNCTION(name)   \
    PG_FUNCTION_INFO_V1(name); \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS)

GUARD_FUNCTION(guard_alive) {
    (void)fcinfo;
    PG_RETURN_INT32(Witness::alive);
}

GUARD_FUNCTION(guard_inside) {
    const char* message = c_string(fcinfo, 0);
    return pg::translate_exceptions([=] { return as_text(raise_and_catch(message)); });
}

// Outside of the guard an error may only be raised where no C++ object lives: it goes on as any other does.
GUARD_FUNCTION(guard_outside) {
    const char* message = c_string(fcinfo, 0);
    ereport(ERROR, (errcode(ERRCODE_RAISE_EXCEPTION), errmsg("%s", message)));
    PG_RETURN_NULL();
}

// Rule (b): what is thrown in a function that PostgreSQL calls arrives as an error.
GUARD_FUNCTION(guard_throws) {
    const char* kind = c_string(fcinfo, 0);
    return pg::translate_exceptions([=]() -> Datum {
        const Witness witness;
        throw_one(kind);
        return 0;
    });
}

// An error on its way through: raised by PostgreSQL, thrown by the guard, not caught, raised again.
GUARD_FUNCTION(guard_through) {
    const char* message = c_string(fcinfo, 0);
    return pg::translate_exceptions([=]() -> Datum {
        const Witness witness;
        pg::guarded([=] { ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("%s", message))); });
        return 0;
    });
}

// Any SQL from C++, also SQL that calls these functions again.
GUARD_FUNCTION(guard_runs) {
    const char* sql = c_string(fcinfo, 0);
    return pg::translate_exceptions([=] {
        const Witness witness;
        return as_text(in_subtransaction(sql));
    });
}

// True when a caught error leaves memory context, resource owner and error stack as they were.
GUARD_FUNCTION(guard_restores) {
    (void)fcinfo;
    return pg::translate_exceptions([] {
        const Outside before{CurrentMemoryContext, CurrentResourceOwner};
        sigjmp_buf* const stack = PG_exception_stack;
        ErrorContextCallback* const context = error_context_stack;
        for (int i = 0; i < 1000; ++i)
            raise_and_catch("again");
        return BoolGetDatum(before.memory == CurrentMemoryContext && before.owner == CurrentResourceOwner &&
                            stack == PG_exception_stack && context == error_context_stack);
    });
}

// True when an exception that passes through the guard leaves the error stack as it was: an error after it must not
// jump into a frame that is gone.
GUARD_FUNCTION(guard_lets_through) {
    (void)fcinfo;
    return pg::translate_exceptions([] {
        sigjmp_buf* const stack = PG_exception_stack;
        ErrorContextCallback* const context = error_context_stack;
        bool caught = false;
        try {
            pg::guarded([] { throw std::runtime_error("thrown inside"); });
        } catch (const std::runtime_error&) {
            caught = true;
        }
        return BoolGetDatum(caught && stack == PG_exception_stack && context == error_context_stack);
    });
}

}  // extern "C"

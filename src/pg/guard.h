// The one door between C++ and PostgreSQL's C API. PostgreSQL reports an error with a longjmp, C++ with an exception;
// neither may cross the other's frames. Three rules:
//
// (a) Whatever can raise a PostgreSQL error is called inside guarded(). No C++ object with a destructor is alive inside
//     the lambda, since a longjmp would skip it; strings go in as pointers and come out as palloc'd memory.
//
//         const char* name = text.c_str();
//         Oid oid = pg::guarded([=] { return get_role_oid(name, false); });
//
// (b) A function that PostgreSQL calls lets no exception out: its body is a lambda given to translate_exceptions(),
//     which raises the PostgreSQL error only when every C++ object of the body has been destroyed.
//
//         extern "C" Datum pgrest_version(PG_FUNCTION_ARGS) {
//             return pg::translate_exceptions([&] { return make_version(fcinfo); });
//         }
//
// (c) A callback that a C library calls lets neither through: it catches every exception, calls PostgreSQL only inside
//     guarded(), and reports failure in the library's own way.
//
//         static MHD_Result on_request(...) noexcept {
//             try { return answer(...); } catch (...) { return MHD_NO; }
//         }
//
// guarded() leaves the memory context as it found it. It does not end a failed transaction: whoever opened it does.
#pragma once

#include <exception>
#include <new>
#include <type_traits>

#include "pg/error.h"
#include "pg/postgres.h"

namespace pgrest::pg {

// What was raised, taken out of PostgreSQL's error state (which is flushed), its texts as UTF-8. Allocates C++ memory.
http::DatabaseError take_error(MemoryContext context);

// Never inlined, so that no variable of the call lives in the frame that sigsetjmp can clobber.
template <typename F>
[[gnu::noinline]] void run(F& call) {
    call();
}

// Where errors go, put back on every way out. PG_END_TRY does so too, but a C++ exception passes it by, and the next
// error would jump into a frame that is gone.
class ErrorHandlers {
public:
    ErrorHandlers() : jump_(PG_exception_stack), context_(error_context_stack) {}
    ~ErrorHandlers() {
        PG_exception_stack = jump_;
        error_context_stack = context_;
    }
    ErrorHandlers(const ErrorHandlers&) = delete;
    ErrorHandlers& operator=(const ErrorHandlers&) = delete;

private:
    sigjmp_buf* jump_;
    ErrorContextCallback* context_;
};

// Runs the call; false when it raised. A function of its own for the sake of the caller's variables.
template <typename F>
bool runs_without_error(F& call) {
    const ErrorHandlers handlers;
    volatile bool failed = false;
    PG_TRY();
    { run(call); }
    PG_CATCH();
    { failed = true; }
    PG_END_TRY();
    return !failed;
}

template <typename F>
auto guarded(F&& call) {
    using Result = std::invoke_result_t<F>;
    static_assert(std::is_void_v<Result> || std::is_trivially_copyable_v<Result>,
                  "the result of a guarded call outlives a longjmp");
    MemoryContext const context = CurrentMemoryContext;
    if constexpr (std::is_void_v<Result>) {
        if (!runs_without_error(call)) throw Error(take_error(context));
    } else {
        Result result{};
        auto store = [&] { result = call(); };
        if (!runs_without_error(store)) throw Error(take_error(context));
        return result;
    }
}

// A C++ failure on its way to becoming a PostgreSQL error: plain memory, no destructor. Texts are in the server's
// encoding.
struct Raised {
    int sqlerrcode = 0;
    char message[1024] = {};
    char detail[1024] = {};
    char hint[1024] = {};
    bool has_detail = false;
    bool has_hint = false;
};

// Fills `raised` from the exception that is being handled.
void describe_exception(Raised& raised) noexcept;
[[noreturn]] void raise(const Raised& raised);

template <typename F>
auto translate_exceptions(F&& body) -> std::invoke_result_t<F> {
    Raised raised;
    try {
        return body();
    } catch (...) {
        describe_exception(raised);
    }
    raise(raised);
}

}  // namespace pgrest::pg

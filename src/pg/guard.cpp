#include "pg/guard.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "pg/memory_bound.h"
#include "pg/text.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pgrest::pg {

namespace {

std::optional<std::string> optional_text(const char* text) {
    if (!text) return {};
    return shown_from_server(text);
}

// In the server's encoding, and without a character cut in two.
void copy_text(char* to, std::size_t size, const std::string& from) {
    const std::string text = shown_to_server(from);
    const int encoding = GetDatabaseEncoding() == PG_SQL_ASCII ? static_cast<int>(PG_UTF8) : GetDatabaseEncoding();
    const int length =
        pg_encoding_mbcliplen(encoding, text.c_str(), static_cast<int>(text.size()), static_cast<int>(size) - 1);
    std::memcpy(to, text.data(), length);
    to[length] = '\0';
}

void describe(Raised& raised, const http::DatabaseError& error) {
    const std::string& state = error.sqlstate;
    raised.sqlerrcode =
        state.size() == 5 ? MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]) : ERRCODE_INTERNAL_ERROR;
    copy_text(raised.message, sizeof raised.message, error.message);
    raised.has_detail = error.detail.has_value();
    raised.has_hint = error.hint.has_value();
    if (error.detail) copy_text(raised.detail, sizeof raised.detail, *error.detail);
    if (error.hint) copy_text(raised.hint, sizeof raised.hint, *error.hint);
}

}  // namespace

http::DatabaseError take_error(MemoryContext context) {
    MemoryContextSwitchTo(context);
    ErrorData* volatile data = nullptr;
    // copying can itself run out of memory; then what little is known is said
    volatile bool copied = true;
    PG_TRY();
    { data = CopyErrorData(); }
    PG_CATCH();
    { copied = false; }
    PG_END_TRY();
    MemoryContextSwitchTo(context);
    FlushErrorState();
    http::DatabaseError error;
    if (!copied || !data) {
        error.sqlstate = "53200";
        error.message = "out of memory";
        explain_memory_error(error);
        return error;
    }
    error.sqlstate = unpack_sql_state(data->sqlerrcode);
    error.message = data->message ? shown_from_server(data->message) : "missing error text";
    error.message_id = data->message_id ? data->message_id : "";
    error.detail = optional_text(data->detail);
    error.hint = optional_text(data->hint);
    FreeErrorData(data);
    explain_memory_error(error);
    return error;
}

void describe_exception(Raised& raised) noexcept {
    raised.sqlerrcode = ERRCODE_INTERNAL_ERROR;
    try {
        throw;
    } catch (const Error& error) {
        describe(raised, error.error());
    } catch (const http::Failure& failure) {
        const http::Error& error = failure.error();
        raised.sqlerrcode = ERRCODE_INVALID_PARAMETER_VALUE;
        copy_text(raised.message, sizeof raised.message, error.message);
    } catch (const std::bad_alloc&) {
        raised.sqlerrcode = ERRCODE_OUT_OF_MEMORY;
        std::strcpy(raised.message, "out of memory");
    } catch (const std::invalid_argument& exception) {
        raised.sqlerrcode = ERRCODE_INVALID_PARAMETER_VALUE;
        copy_text(raised.message, sizeof raised.message, exception.what());
    } catch (const std::exception& exception) {
        copy_text(raised.message, sizeof raised.message, exception.what());
    } catch (...) {
        std::strcpy(raised.message, "unknown C++ exception");
    }
}

void raise(const Raised& raised) {
    ereport(ERROR,
            (errcode(raised.sqlerrcode), errmsg("%s", raised.message),
             raised.has_detail ? errdetail("%s", raised.detail) : 0, raised.has_hint ? errhint("%s", raised.hint) : 0));
    pg_unreachable();
}

}  // namespace pgrest::pg

#include "listener/callbacks.h"

#include <cstdio>
#include <cstring>

#include "listener/listener.h"
#include "listener/server.h"
#include "pg/guard.h"

extern "C" {
#include <storage/ipc.h>
}

namespace pgrest::listener {

void connection_changed(void* server, MHD_Connection* connection, void** context,
                        MHD_ConnectionNotificationCode what) noexcept {
    try {
        if (what == MHD_CONNECTION_NOTIFY_STARTED) {
            *context = static_cast<Server*>(server)->on_connect(connection);
        } else if (*context) {
            static_cast<Server*>(server)->on_disconnect(static_cast<Client*>(*context));
            *context = nullptr;
        }
    } catch (...) {
        *context = nullptr;  // its requests are then closed
    }
}

void* target_has_come(void* server, const char* target, MHD_Connection* connection) noexcept {
    try {
        // it lies in the connection's own memory, where libmicrohttpd itself changes it next
        return static_cast<Server*>(server)->on_target(connection, const_cast<char*>(target));
    } catch (...) {
        return nullptr;
    }
}

MHD_Result request_has_come(void* server, MHD_Connection*, const char*, const char* method, const char* version,
                            const char* data, std::size_t* size, void** context) noexcept {
    try {
        auto* exchange = static_cast<Exchange*>(*context);
        if (!exchange) return MHD_NO;
        return static_cast<Server*>(server)->on_request(*exchange, method, version, data, size) == Said::Continue
                   ? MHD_YES
                   : MHD_NO;
    } catch (...) {
        return MHD_NO;
    }
}

void request_has_ended(void* server, MHD_Connection*, void** context, MHD_RequestTerminationCode) noexcept {
    try {
        auto* exchange = static_cast<Exchange*>(*context);
        *context = nullptr;
        if (exchange) static_cast<Server*>(server)->on_completed(*exchange);
    } catch (...) {
        // nothing of it throws; if it did, only this exchange's memory would be lost
    }
}

ssize_t next_data(void* exchange, std::uint64_t, char* to, std::size_t most) noexcept {
    try {
        return this_server()->on_wants_data(*static_cast<Exchange*>(exchange), to, most);
    } catch (...) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

ssize_t no_data(void*, std::uint64_t, char*, std::size_t) noexcept {
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

void message_of_daemon(void* server, const char* format, va_list arguments) noexcept {
    try {
        if (std::strstr(format, "Content-Length")) static_cast<Server*>(server)->on_bad_length();
    } catch (...) {
        // then the client gets what libmicrohttpd sends
    }
    char text[512];
    std::vsnprintf(text, sizeof text, format, arguments);
    const std::size_t length = std::strlen(text);
    if (length > 0 && text[length - 1] == '\n') text[length - 1] = '\0';
    try {
        const char* line = text;
        pg::guarded([=] { elog(DEBUG2, "libmicrohttpd: %s", line); });
    } catch (...) {
        // a message less
    }
}

// Its own way is abort(), upon which PostgreSQL would restart every process.
void daemon_panics(void*, const char* file, unsigned line, const char* reason) noexcept {
    ereport(LOG, (errmsg("libmicrohttpd gave up: %s (%s:%u)", reason ? reason : "no reason", file ? file : "?", line)));
    proc_exit(1);
}

}  // namespace pgrest::listener
